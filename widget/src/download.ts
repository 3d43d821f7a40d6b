// Files the patient takes along.
import type { Entry } from "./conversation.ts";
import { plain } from "./rich-text.ts";
import { fullTime } from "./times.ts";

export function download(name: string, type: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // Some browsers read the file only after the click has been dealt with.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The conversation as a text file's content. */
export function transcript(title: string, entries: Entry[], lang: string, name: (entry: Entry) => string): string {
  const said = entries.map((entry) => {
    const lines = [`[${fullTime(entry.at, lang)}] ${name(entry)}:`, plain(entry.text)];
    if (entry.card) lines.push(entry.card.reference);
    if (entry.source) lines.push(entry.source.label);
    return lines.join("\n");
  });
  return [title, ...said].join("\n\n") + "\n";
}
