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

// What is not needed here of Socket.IO's client, or needed in a smaller form.
const SMALLER = {
  // A transport that the server does not offer, and what only it needs.
  "transports/webtransport.js": "export class WT {}",
  // Binary data, which neither side sends.
  "contrib/base64-arraybuffer.js": "export const decode = () => {}",
  // Addresses are read by the browser.
  "contrib/parseuri.js": `export function parse(address) {
    const { protocol, hostname, port, pathname, search } = new URL(address);
    return {
      source: address,
      protocol: protocol.slice(0, -1),
      host: hostname.replace(/[[\\]]/g, ""),
      port,
      path: pathname,
      query: search.slice(1),
    };
  }`,
};
const client = {
  name: "client",
  setup(bundle) {
    const replaced = Object.keys(SMALLER).map((name) => name.replace(/[/.]/g, "\\$&"));
    bundle.onLoad({ filter: new RegExp(`node_modules/engine\\.io-.*(${replaced.join("|")})$`) }, ({ path }) => ({
      contents: Object.entries(SMALLER).find(([name]) => path.endsWith(name))[1],
    }));
    bundle.onResolve({ filter: /^socket\.io-parser$/ }, () => ({ path: fileURLToPath(new URL("src/packets.ts", here)) }));
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
  // A second copy of the tag does nothing: Lit's policy for Trusted Types can be made only once.
  banner: {
    js:
      "/* clinic-chat. Contains Lit (BSD-3-Clause) and socket.io-client (MIT): widget/LICENSES.md */\n" +
      'if (!customElements.get("clinic-chat")) {',
  },
  footer: { js: "}" },
  plugins: [yaml, templates, client],
});
