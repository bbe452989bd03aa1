// Rebuilds every vendored file of this interface, byte for byte, from the
// packages pinned in package-lock.json. `go build` needs none of this.
//
//   node build.mjs           rebuild
//   node build.mjs --check   rebuild elsewhere and compare; exit 1 if a file differs
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fonts } from "./fonts.mjs";
import { icons } from "./icons.mjs";
import { vendor } from "./vendor.mjs";
import { axe } from "./axe.mjs";

const here = import.meta.dirname;
const static_ = path.join(here, "..", "static");
const testdata = path.join(here, "..", "..", "..", "..", "base", "browser", "testdata");
const check = process.argv.includes("--check");

const work = fs.mkdtempSync(path.join(os.tmpdir(), "strongroom-assets-"));
try {
  for (const f of ["package.json", "package-lock.json", ".npmrc"]) fs.copyFileSync(path.join(here, f), path.join(work, f));
  execFileSync("npm", ["ci"], { cwd: work, stdio: ["ignore", "ignore", "inherit"] });
  const made = new Map(); // absolute path -> bytes
  const put = (dir) => (name, bytes) => made.set(path.join(dir, name), Buffer.from(bytes));
  const src = path.join(work, "node_modules");
  fonts(src, put(static_));
  icons(src, put(static_));
  await vendor(work, put(static_));
  axe(src, put(testdata));
  let differ = 0;
  for (const [file, bytes] of made) {
    const rel = path.relative(here, file);
    if (check) {
      const same = fs.existsSync(file) && fs.readFileSync(file).equals(bytes);
      if (!same) differ++;
      console.log(same ? "same  " : "DIFFER", rel);
      continue;
    }
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, bytes);
    console.log(String(bytes.length).padStart(7), rel);
  }
  process.exitCode = differ ? 1 : 0;
} finally {
  fs.rmSync(work, { recursive: true, force: true });
}
