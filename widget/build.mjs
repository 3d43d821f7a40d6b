// Bundles the widget into one file: node build.mjs [OUTPUT]
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { parse } from "yaml";

const here = new URL(".", import.meta.url);
const output = process.argv[2] ?? fileURLToPath(new URL("dist/clinic-chat.js", here));

// Wording is kept in YAML, one file a language, and is part of the bundle.
const yaml = {
  name: "yaml",
  setup(bundle) {
    bundle.onLoad({ filter: /\.yml$/ }, async ({ path }) => ({
      contents: JSON.stringify(parse(await readFile(path, "utf8"))),
      loader: "json",
    }));
  },
};

// What stands in Lit's templates is minified by nobody else.
const templates = {
  name: "templates",
  setup(bundle) {
    bundle.onLoad({ filter: /widget\/src\/.*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8"))
        .replace(/\bcss`[^`]*`/g, (sheet) =>
          sheet
            .replace(/\/\*.*?\*\//gs, "")
            .replace(/\s+/g, " ")
            .replace(/ ?([{};,]) ?/g, "$1")
            .replace(/: /g, ":")
            .replace(/;}/g, "}"),
        )
        .replace(/\n\s+/g, "\n"),
      loader: "ts",
    }));
  },
};

// A transport that is not used here, and what only it needs.
const transports = {
  name: "transports",
  setup(bundle) {
    bundle.onLoad({ filter: /engine\.io-client\/build\/esm\/transports\/webtransport\.js$/ }, () => ({
      contents: "export class WT {}",
    }));
  },
};

await build({
  absWorkingDir: fileURLToPath(here),
  entryPoints: ["src/index.ts"],
  outfile: output,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome109", "firefox115", "safari16.4"],
  legalComments: "none",
  charset: "ascii",
  banner: {
    js: "/* clinic-chat. Contains Lit (BSD-3-Clause) and socket.io-client (MIT): widget/LICENSES.md */",
  },
  plugins: [yaml, templates, transports],
});
