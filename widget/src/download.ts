// Files the patient takes along.
import type { Entry } from "./conversation.ts";
import { plain } from "./rich-text.ts";
import { fullTime } from "./times.ts";
import type { Ui } from "./ui.ts";
import { cardRows } from "./views/message.ts";

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
export function transcript(entries: Entry[], ui: Ui): string {
  const { say, lang, clinic } = ui;
  const said = entries.map((entry) => {
    const { card, source } = entry;
    const lines = [`[${fullTime(entry.at, lang)}] ${ui.speakerName(entry)}:`, plain(entry.text)];
    if (card) {
      const rows = [["reference", card.reference], ...cardRows(card, ui)];
      lines.push(...rows.map(([key, words]) => `${say(key!)}: ${words}`));
    }
    if (source) lines.push(source.label);
    return lines.join("\n");
  });
  return [say("copy_title", { clinic: clinic.name }), ...said].join("\n\n") + "\n";
}
