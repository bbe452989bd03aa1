// How the pages of shares ask the server.
import { ask } from "../swap.js";
import { Refused } from "./crypto.js";

/** Posts a body and gives the JSON that comes back; what the server refuses is said in its words. */
export async function post(path, body) {
  const res = await ask(path, { method: "POST", body, headers: { Accept: "application/json", ...(typeof body === "string" ? { "Content-Type": "application/json" } : {}) } });
  const json = await res.json().catch(() => ({}));
  if (res.ok) return json;
  if (json.location) location.assign(new URL(json.location, location.origin));
  const fields = Object.values(json.error?.fields ?? {});
  throw new Refused([...(fields.length ? fields : [json.error?.text]), json.error?.hint].filter(Boolean).join(" ") || `The server answered ${res.status}. Try again.`);
}

/** Runs a form's work once at a time and says in words, beside the button, what went wrong. */
export async function working(form, f) {
  if (form.hasAttribute("aria-busy")) return;
  const error = form.querySelector("[data-error]");
  error.hidden = true;
  form.setAttribute("aria-busy", "true");
  try {
    await f();
  } catch (e) {
    error.textContent = e instanceof Refused || e.message?.startsWith("The server") || e.message?.startsWith("The secret") ? e.message : "This did not work. Load the page again.";
    error.hidden = false;
  } finally { form.removeAttribute("aria-busy"); }
}
