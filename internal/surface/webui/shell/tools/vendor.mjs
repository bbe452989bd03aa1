// ProseMirror (MIT) as one ES module with its licence comment, for js/editor.js, and
// Argon2id of hash-wasm (MIT) likewise, for js/vault/stretcher.js.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const prosemirror = `
export {EditorState, Plugin, PluginKey, TextSelection, NodeSelection} from "prosemirror-state";
export {EditorView, Decoration, DecorationSet} from "prosemirror-view";
export {Schema, DOMParser, DOMSerializer, Fragment, Slice} from "prosemirror-model";
export {schema as basic} from "prosemirror-schema-basic";
export {addListNodes, wrapInList, splitListItem, liftListItem, sinkListItem} from "prosemirror-schema-list";
export {keymap} from "prosemirror-keymap";
export {baseKeymap, toggleMark, setBlockType, wrapIn, lift, chainCommands, exitCode} from "prosemirror-commands";
export {history, undo, redo, closeHistory} from "prosemirror-history";
export {InputRule, inputRules, undoInputRule, wrappingInputRule, textblockTypeInputRule} from "prosemirror-inputrules";
export {tableNodes, tableEditing, goToNextCell, isInTable, addColumnBefore, addColumnAfter, addRowBefore, addRowAfter, deleteColumn, deleteRow, deleteTable, toggleHeaderRow, mergeCells, splitCell} from "prosemirror-tables";
export {dropCursor} from "prosemirror-dropcursor";
export {gapCursor} from "prosemirror-gapcursor";
`;

export async function vendor(work, put) {
  const esbuild = createRequire(path.join(work, "package.json"))("esbuild");
  const packages = Object.keys(JSON.parse(fs.readFileSync(path.join(work, "package-lock.json"))).packages)
    .map((p) => p.replace("node_modules/", "")).filter((p) => /^(prosemirror-|orderedmap|rope-sequence|w3c-keyname)/.test(p)).sort();
  const version = (p) => JSON.parse(fs.readFileSync(path.join(work, "node_modules", p, "package.json"))).version;
  const licence = fs.readFileSync(path.join(work, "node_modules", "prosemirror-view", "LICENSE"), "utf8").trim();
  const banner = "/*!\n" + packages.map((p) => `${p} ${version(p)}`).join("\n") + "\nAll under the MIT licence.\n\n" + licence + "\n*/";
  const out = await esbuild.build({
    stdin: { contents: prosemirror, resolveDir: work }, bundle: true, minify: true, format: "esm", target: "es2022",
    legalComments: "inline", banner: { js: banner }, write: false,
  });
  put("vendor/prosemirror.js", out.outputFiles[0].contents);
  const css = ["prosemirror-view/style/prosemirror.css", "prosemirror-gapcursor/style/gapcursor.css", "prosemirror-tables/style/tables.css"];
  put("vendor/prosemirror.css", "/* ProseMirror, MIT; see LICENSES.md */\n" + css.map((f) => fs.readFileSync(path.join(work, "node_modules", f), "utf8").trim()).join("\n") + "\n");

  const argon = await esbuild.build({
    stdin: { contents: 'export {argon2id} from "hash-wasm";', resolveDir: work }, bundle: true, minify: true, format: "esm", target: "es2022",
    banner: { js: `/*!\nhash-wasm ${version("hash-wasm")}\n\n${fs.readFileSync(path.join(work, "node_modules", "hash-wasm", "LICENSE"), "utf8").trim()}\n*/` }, write: false,
  });
  put("vendor/argon2.js", argon.outputFiles[0].contents);
}
