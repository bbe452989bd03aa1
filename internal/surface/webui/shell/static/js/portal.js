// What the pages of customers do beside working without script: questions that are shown by the answer to another
// one, and articles that are offered while one writes what is wrong.

const inputs = (name) => [...document.getElementsByName(name)].filter((e) => e.type !== "hidden");

function answers(name) {
  return inputs(name).flatMap((e) => (e.type === "checkbox" ? (e.checked ? [e.value === "1" && inputs(name).length === 1 ? "true" : e.value] : []) : [e.value]));
}

const truth = (s) => ["", "true", "yes", "1", "on"].includes(s.toLowerCase());

function shown(step) {
  const on = step.dataset.when;
  if (!on) return true;
  const by = inputs(on)[0]?.closest(".pstep");
  if (by && by !== step && by.hidden) return false;
  const said = answers(on).map((s) => s.trim()).filter(Boolean);
  const want = step.dataset.answer ?? "";
  if ("tick" in step.dataset) return said.length > 0 === truth(want);
  return want ? said.some((s) => s.toLowerCase() === want.toLowerCase()) : said.length > 0;
}

function arrange() {
  const steps = [...document.querySelectorAll(".pstep[data-when]")];
  for (let i = 0; i < 20; i++) {
    let moved = false;
    for (const s of steps) {
      const hide = !shown(s);
      moved ||= s.hidden !== hide;
      s.hidden = hide;
    }
    if (!moved) break;
  }
}

function offer(box) {
  const input = inputs(box.dataset.suggest)[0];
  const list = box.querySelector("ul");
  let timer, last = "";
  const look = async () => {
    const words = input.value.trim();
    if (words === last) return;
    last = words;
    let items = [];
    if (words.length > 2) {
      const res = await fetch("/portal/suggest?q=" + encodeURIComponent(words), { headers: { Accept: "application/json" } }).catch(() => null);
      if (!res?.ok || words !== input.value.trim()) return;
      ({ items } = await res.json());
    }
    list.replaceChildren(...items.map((x) => {
      const a = document.createElement("a");
      a.href = x.href;
      a.target = "_blank";
      a.textContent = x.title;
      const li = document.createElement("li");
      li.append(a);
      return li;
    }));
    box.hidden = items.length === 0;
  };
  input.closest(".pstep").after(box);
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 250); });
  look();
}

document.addEventListener("input", arrange);
document.addEventListener("change", arrange);
arrange();
for (const box of document.querySelectorAll("[data-suggest]")) offer(box);
