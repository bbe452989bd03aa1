// A worker that stretches one passphrase by Argon2id. Its own answer allows WebAssembly, which no page does, and nothing that sends.
import { argon2id } from "../../vendor/argon2.js";

addEventListener("message", async ({ data: { password, salt, iterations, memory } }) => {
  try {
    postMessage({ key: await argon2id({ password, salt, iterations, memorySize: memory, parallelism: 1, hashLength: 32, outputType: "binary" }) });
  } catch (e) {
    postMessage({ error: String(e) });
  } finally { password.fill(0); }
});
