// Times as the patient reads them: a message in the browser's zone, an appointment in the clinic's.
import type { Say } from "./wording.ts";

export function clockTime(at: string, lang: string): string {
  return format(at, lang, { hour: "numeric", minute: "2-digit" });
}

export function fullTime(at: string, lang: string): string {
  return format(at, lang, { dateStyle: "medium", timeStyle: "short" });
}

/** "Today", "Yesterday" or a date. */
export function dayName(at: string, lang: string, say: Say): string {
  const day = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const days = Math.round((day(new Date()) - day(new Date(at))) / 86_400_000);
  if (days === 0) return say("today");
  if (days === 1) return say("yesterday");
  return format(at, lang, { weekday: "long", day: "numeric", month: "long" });
}

export function sameDay(a: string, b: string): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** An appointment's day and times, in the zone named, with the zone's short name. */
export function appointment(starts: string, ends: string | undefined, zone: string | undefined, lang: string): string {
  const begin = new Date(starts);
  const finish = ends ? new Date(ends) : undefined;
  if (Number.isNaN(begin.getTime())) return starts;
  const options: Intl.DateTimeFormatOptions = {
    weekday: "long",
    day: "numeric",
    month: "long",
    hour: "numeric",
    minute: "2-digit",
    timeZoneName: "short",
  };
  try {
    const shown = new Intl.DateTimeFormat(lang, { ...options, timeZone: zone });
    return finish && !Number.isNaN(finish.getTime()) ? shown.formatRange(begin, finish) : shown.format(begin);
  } catch {
    // A zone this browser does not know.
    return format(starts, lang, options);
  }
}

function format(at: string, lang: string, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : new Intl.DateTimeFormat(lang, options).format(date);
}
