// Inter and JetBrains Mono (OFL-1.1), the variable fonts, Latin and Latin Extended.
import fs from "node:fs";
import path from "node:path";

export function fonts(src, put) {
  for (const [pkg, name, short] of [["inter", "inter", "inter"], ["jetbrains-mono", "jetbrains-mono", "jbmono"]]) {
    const dir = path.join(src, "@fontsource-variable", pkg);
    for (const part of ["latin", "latin-ext"]) put(`fonts/${short}-${part}.woff2`, fs.readFileSync(path.join(dir, "files", `${name}-${part}-wght-normal.woff2`)));
    put(`fonts/${short}-OFL.txt`, fs.readFileSync(path.join(dir, "LICENSE")));
  }
}
