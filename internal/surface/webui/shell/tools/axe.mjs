// axe-core (MPL-2.0), for the browser tests only; it is not part of the product.
import fs from "node:fs";
import path from "node:path";

export function axe(src, put) {
  put("axe.min.js", fs.readFileSync(path.join(src, "axe-core", "axe.min.js")));
  put("axe-LICENSE.txt", fs.readFileSync(path.join(src, "axe-core", "LICENSE")));
}
