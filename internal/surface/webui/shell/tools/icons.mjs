// One sprite of Tabler outline icons (MIT): icons.svg#name. A name ending in -filled takes the filled icon.
import fs from "node:fs";
import path from "node:path";

const names = `
activity adjustments affiliate alarm alert-circle alert-triangle api archive arrow-back-up arrow-down arrow-left arrow-right arrow-up arrows-exchange
arrows-sort at award ban barcode battery bell bell-off bolt book bookmark books box brand-windows bug building building-community bulb businessplan
calendar calendar-due camera cash certificate chart-bar chart-line check checkbox checklist checks chevron-down chevron-left chevron-right chevron-up
circle circle-check circle-dashed circle-x clipboard clipboard-check clipboard-list clock clock-pause cloud cloud-download code columns command copy
credit-card database database-export database-import device-desktop device-floppy device-laptop device-mobile devices dots dots-vertical download
edit external-link eye eye-off file file-code file-export file-import file-text files filter fingerprint flag flame folder folder-open gauge git-branch
git-compare globe grip-vertical h-1 h-2 h-3 hash headset heart-handshake help help-circle history home hourglass id id-badge inbox indent-decrease
indent-increase info-circle italic bold key keyboard layout-dashboard layout-kanban layout-list lifebuoy line-dashed link link-off list list-check list-details
list-numbers loader lock lock-open lock-password login logout mail mail-forward mail-opened map map-pin math-not menu-2 message message-2 messages minus
mood-happy moon network note notes package palette paperclip password-fingerprint password-user phone phone-call photo pin pin-filled plug
player-pause player-play plus point power printer progress puzzle qrcode quote radar receipt recycle refresh refresh-alert repeat replace report
report-analytics rocket rotate route router ruler-2 scale search select send server server-2 server-cog settings share shield shield-check shield-lock shield-x
sitemap sort-ascending square-rounded-plus star star-filled stack-2 strikethrough subtask sun switch-3 table table-plus tag tags target template ticket
timeline tool tools topology-star transfer trash trending-up truck underline unlink upload user user-check user-circle user-cog user-plus user-question
user-shield user-x users users-group versions video vocabulary wand webhook wifi world world-www writing x zoom-in zoom-out
category building-factory-2 circle-dot align-left column-insert-left column-insert-right column-remove row-insert-bottom row-insert-top row-remove separator-horizontal
`.trim().split(/\s+/);

export function icons(src, put) {
  const dir = path.join(src, "@tabler", "icons", "icons");
  let out = '<svg xmlns="http://www.w3.org/2000/svg">\n<!-- Tabler Icons, MIT, Copyright (c) 2020-2026 Paweł Kuna; see LICENSES.md -->\n';
  for (const name of [...new Set(names)].sort()) {
    const filled = name.endsWith("-filled");
    const svg = fs.readFileSync(path.join(dir, filled ? "filled" : "outline", name.replace(/-filled$/, "") + ".svg"), "utf8").replace(/<!--[\s\S]*?-->/g, "");
    const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>")).replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/g, "").replace(/\s+/g, " ").trim();
    out += `<symbol id="${name}" viewBox="0 0 24 24"${filled ? ' fill="currentColor" stroke="none"' : ""}>${inner}</symbol>\n`;
  }
  put("icons.svg", out + "</svg>\n");
}
