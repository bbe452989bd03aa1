// Argon2id in the browser: a worker of ours, started for one passphrase and ended after it.
import { scriptURL } from "../swap.js";
import { Refused } from "./keys.js";

const WORKER = new URL("./stretcher.js", import.meta.url), CODE = new URL("../../vendor/argon2.js", import.meta.url);

/** Fetches a file, which has to be the one that the page's import map names: browsers compare modules of pages with it, and not those of
 * workers. It is kept by the browser for the worker. */
async function genuine(url) {
  const { integrity } = JSON.parse(document.querySelector('script[type="importmap"]').textContent);
  const digest = integrity[url.pathname];
  try {
    if (!digest) throw 0;
    await (await fetch(url, { integrity: digest })).arrayBuffer();
  } catch { throw new Refused("The script that stretches passphrases did not come, or is another one than this page names. Nothing was opened. Load the page again; when it stays so, tell your administrator."); }
}

/** Stretches a passphrase, as UTF-8, to 32 bytes. The worker gets the bytes: afterwards they are empty here. */
export async function argon2id(password, salt, iterations, memory) {
  for (const url of [WORKER, CODE]) await genuine(url);
  const w = new Worker(scriptURL(WORKER), { type: "module", name: "argon2id" });
  try {
    return await new Promise((done, fail) => {
      const no = () => fail(new Refused(`This browser could not stretch the passphrase. That takes WebAssembly and ${Math.round(memory / 1024)} MiB of memory: close other pages, or use another browser.`));
      w.onmessage = ({ data }) => (data.key ? done(data.key) : no());
      w.onerror = no;
      w.postMessage({ password, salt: salt.slice(), iterations, memory }, [password.buffer]);
    });
  } finally { w.terminate(); }
}
