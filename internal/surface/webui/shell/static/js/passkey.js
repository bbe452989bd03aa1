// Passkeys and security keys. The server speaks base64url where the browser wants bytes; of what a key gives,
// only what is named here is sent: the output of an extension such as PRF is a key, and stays in the browser.
import { ask } from "./swap.js";

const bytes = (s) => Uint8Array.from(atob(s.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const listed = (list) => (list ?? []).map((c) => ({ ...c, id: bytes(c.id) }));

/** What the server asked, as the browser wants it. */
function question(o, make) {
  if (!make) return { ...o, challenge: bytes(o.challenge), allowCredentials: listed(o.allowCredentials) };
  return { ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: listed(o.excludeCredentials) };
}

/** What a key answered, and nothing more of it. */
function answer(c, make) {
  const out = { id: c.id, rawId: text(c.rawId), type: c.type, authenticatorAttachment: c.authenticatorAttachment ?? undefined, clientExtensionResults: {}, response: { clientDataJSON: text(c.response.clientDataJSON) } };
  const r = c.response;
  if (make) {
    out.response.attestationObject = text(r.attestationObject);
    out.response.transports = r.getTransports?.() ?? [];
    const rk = c.getClientExtensionResults().credProps?.rk;
    if (typeof rk === "boolean") out.clientExtensionResults.credProps = { rk };
  } else {
    out.response.authenticatorData = text(r.authenticatorData);
    out.response.signature = text(r.signature);
    if (r.userHandle?.byteLength) out.response.userHandle = text(r.userHandle);
  }
  return JSON.stringify(out);
}

const said = {
  NotAllowedError: "Nothing was given, or it took too long. Try again.",
  InvalidStateError: "This key is set up already.",
  SecurityError: "The browser gives no passkeys to this address: it needs a name and https.",
  NotSupportedError: "This key cannot do what is needed here.",
};

async function give(form) {
  const make = form.dataset.passkey === "make", field = form.elements;
  const company = document.querySelector("form.entrance input[name=tenant]");
  if (company) field.tenant.value = company.value;
  if (company && !company.value) { company.focus(); throw new Error("Enter the name of your company first."); }
  if (!window.PublicKeyCredential) throw new Error("This browser has no passkeys here: it needs a connection by https.");
  const res = await ask(form.dataset.question, { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams({ tenant: field.tenant.value }) });
  const json = await res.json().catch(() => ({}));
  if (!res.ok) {
    if (json.location) location.assign(new URL(json.location, location.origin));
    throw new Error([json.error?.text, json.error?.hint].filter(Boolean).join(" ") || `The server answered ${res.status}. Try again.`);
  }
  const publicKey = question(json.options, make);
  const c = await (make ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
  field.state.value = json.state;
  field.answer.value = answer(c, make);
  form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) form.addEventListener("submit", async (e) => {
  e.preventDefault();
  if (form.hasAttribute("aria-busy")) return;
  const error = form.querySelector("[data-error]");
  error.hidden = true;
  form.setAttribute("aria-busy", "true");
  try {
    await give(form);
  } catch (x) {
    error.textContent = x instanceof DOMException ? said[x.name] ?? "This did not work. Try again." : x.message;
    error.hidden = false;
    form.removeAttribute("aria-busy");
  }
});
