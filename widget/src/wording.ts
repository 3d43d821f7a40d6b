// The window's own words. What the assistant says comes from the server.
import en from "../wording/en.yml";
import fr from "../wording/fr.yml";

export type Words = Record<string, string>;
export type Say = (key: string, values?: Record<string, string | number>) => string;

const LANGUAGES: Record<string, Words> = { en, fr };

/** A language tag that dates can be written in: that of the page where it is one of ours. */
export function tag(found: string): string {
  return /^(?:en|fr)(?:-\w{2,})*$/i.test(found) ? found : language(found);
}

/** The language for a BCP 47 tag: "fr-CA" is French, what is unknown is English. */
export function language(tag: string | null | undefined): "en" | "fr" {
  const base = (tag ?? "").toLowerCase().split(/[-_]/)[0] ?? "";
  return base === "fr" ? "fr" : "en";
}

/** Looks words up in a language and fills in {values}. */
export function words(tag: string): Say {
  const found = LANGUAGES[language(tag)] ?? en;
  return (key, values = {}) =>
    (found[key] ?? en[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) =>
      name in values ? String(values[name]) : whole,
    );
}
