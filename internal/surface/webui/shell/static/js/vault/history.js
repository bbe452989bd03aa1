// What an item held before. It is part of the item's content, sealed and signed with it: doc/formats/vault.md.
import { bytes } from "./bytes.js";

const MOST = 20, ROOM = 48 << 10;

/** What was replaced in an item, the newest first. What is no such list is none. */
export function pastOf(content) {
  try {
    const list = JSON.parse(content.history ?? "[]");
    return Array.isArray(list) ? list.filter((x) => x && Number.isSafeInteger(x.at)) : [];
  } catch { return []; }
}

/** The content that follows old, with what it replaces. */
export function following(old, next, fields, now = Date.now()) {
  const was = { at: now };
  for (const n of fields) if ((old[n] ?? "") !== (next[n] ?? "")) was[n] = old[n] ?? "";
  if (Object.keys(was).length === 1) return next;
  const list = [was, ...pastOf(old)].slice(0, MOST), out = () => ({ ...next, history: JSON.stringify(list) });
  while (list.length && bytes(JSON.stringify(out())).length > ROOM) list.pop();
  return out();
}
