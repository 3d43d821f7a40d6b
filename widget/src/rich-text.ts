// The small subset of formatting that messages have: paragraphs, lists, bold, links.
// Text becomes nodes, never HTML, so nothing a message holds can be a tag.
import { html, nothing, type TemplateResult } from "lit";

export type Inline =
  | { type: "text"; text: string }
  | { type: "bold"; parts: Inline[] }
  | { type: "break" }
  | { type: "link"; href: string; text: string };

export type Block =
  | { type: "paragraph"; parts: Inline[] }
  | { type: "list"; items: Inline[][] }
  | { type: "rows"; rows: [string, Inline[]][] };

const ALLOWED = new Set(["http:", "https:", "mailto:", "tel:"]);

/** The address if a message may link there, else null. */
export function safeHref(address: string): string | null {
  try {
    const url = new URL(address);
    if (!ALLOWED.has(url.protocol)) return null;
    // "https://bank.example@evil.example" reads as one place and leads to another.
    if (url.username || url.password) return null;
    return url.href;
  } catch {
    return null;
  }
}

/** The numbers a message names, in its order, each once. */
export function numbersIn(text: string, numbers: string[]): string[] {
  return numbers
    .filter((number) => number && new RegExp(`(?<![\\d-])${escape(number)}(?![\\d-]*\\d)`).test(text))
    .sort((a, b) => text.indexOf(a) - text.indexOf(b));
}

/** What is dialled for a number as people write it. */
export function dial(number: string): string {
  return "tel:" + number.replace(/(?!^\+)[^\d]/g, "");
}

const ADDRESS = /\b(?:https?:\/\/|mailto:|tel:)[^\s<>"]+/gi;
const LABELLED = /^(\S.{0,40}?): (\S.*)$/;
// Marks that turn the direction of the text after them, and so can disguise it.
const OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/g;

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function withNumbers(text: string, numbers: string[]): Inline[] {
  const known = numbers.filter(Boolean);
  if (!known.length) return text ? [{ type: "text", text }] : [];
  const pattern = new RegExp(`(?<![\\d+-])(?:${known.map(escape).join("|")})(?![\\d-]*\\d)`, "g");
  const parts: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) parts.push({ type: "text", text: text.slice(end, match.index) });
    parts.push({ type: "link", href: dial(match[0]), text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ type: "text", text: text.slice(end) });
  return parts;
}

function withLinks(text: string, numbers: string[]): Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    // A full stop or bracket behind an address belongs to the sentence.
    let address = match[0].replace(/[.,;:!?'"’”»]+$/, "");
    if (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1);
    const href = safeHref(address);
    if (!href) continue;
    parts.push(...withNumbers(text.slice(end, match.index), numbers));
    parts.push({ type: "link", href, text: address.replace(/^(?:mailto|tel):/i, "") });
    end = match.index + address.length;
  }
  parts.push(...withNumbers(text.slice(end), numbers));
  return parts;
}

function inline(text: string, numbers: string[]): Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(/\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*/g)) {
    parts.push(...withLinks(text.slice(end, match.index), numbers));
    parts.push({ type: "bold", parts: withLinks(match[1] ?? "", numbers) });
    end = match.index + match[0].length;
  }
  parts.push(...withLinks(text.slice(end), numbers));
  return parts;
}

/**
 * Reads a message's text. `numbers` are telephone numbers to link wherever they stand; with
 * `labelled`, lines such as "Name: Priya" belong together as what is to be confirmed.
 */
export function parse(text: string, numbers: string[] = [], labelled = false): Block[] {
  const blocks: Block[] = [];
  for (const paragraph of text.replace(OVERRIDES, "").split(/\n\s*\n/)) {
    let parts: Inline[] = [];
    let items: Inline[][] = [];
    let rows: [string, Inline[]][] = [];
    const close = () => {
      if (parts.length) blocks.push({ type: "paragraph", parts });
      if (items.length) blocks.push({ type: "list", items });
      if (rows.length) blocks.push({ type: "rows", rows });
      parts = [];
      items = [];
      rows = [];
    };
    const lines = paragraph.split("\n");
    // One alone is a sentence with a colon.
    const several = labelled && lines.filter((line) => LABELLED.test(line)).length > 1;
    for (const line of lines) {
      const item = /^\s*[-•]\s+(\S.*)$/.exec(line);
      const row = several ? LABELLED.exec(line) : null;
      if (row) {
        if (!rows.length) close();
        rows.push([row[1]!, inline(row[2]!, numbers)]);
      } else if (item) {
        if (!items.length) close();
        items.push(inline(item[1] ?? "", numbers));
      } else if (line.trim()) {
        if (!parts.length) close();
        if (parts.length) parts.push({ type: "break" });
        parts.push(...inline(line.trim(), numbers));
      }
    }
    close();
  }
  return blocks;
}

/** Text as it is read out or copied: without the marks. */
export function plain(text: string): string {
  return text
    .replace(OVERRIDES, "")
    .replace(/\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*/g, "$1")
    .replace(/\b(?:mailto|tel):/gi, "");
}

function showInline(parts: Inline[]): (TemplateResult | string | typeof nothing)[] {
  return parts.map((part) => {
    switch (part.type) {
      case "bold":
        return html`<strong>${showInline(part.parts)}</strong>`;
      case "break":
        return html`<br />`;
      case "link":
        return /^https?:/.test(part.href)
          ? html`<a href=${part.href} target="_blank" rel="noopener noreferrer">${part.text}</a>`
          : html`<a href=${part.href}>${part.text}</a>`;
      default:
        return part.text;
    }
  });
}

/** Shows a message's text. */
export function richText(text: string, numbers: string[] = [], labelled = false): TemplateResult[] {
  return parse(text, numbers, labelled).map((block) => {
    switch (block.type) {
      case "list":
        return html`<ul dir="auto">
          ${block.items.map((item) => html`<li>${showInline(item)}</li>`)}
        </ul>`;
      case "rows":
        return html`<dl class="card">
          ${block.rows.map(([label, words]) => html`<div><dt>${label}</dt><dd dir="auto">${showInline(words)}</dd></div>`)}
        </dl>`;
      default:
        return html`<p dir="auto">${showInline(block.parts)}</p>`;
    }
  });
}
