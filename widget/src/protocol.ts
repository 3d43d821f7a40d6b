// What the widget and the server say to each other: docs/website-channel.md.

/** Events the widget sends, each acknowledged. */
export const SENT = ["message", "received", "history", "feedback", "delete", "restart", "link", "typing"] as const;

/** Events the server sends. */
export const HEARD = ["session", "message", "typing", "handoff", "error", "history", "deleted"] as const;

export type Speaker = "patient" | "assistant" | "person" | "clinic";

export type Kind = "emergency" | "urgent" | "check" | "summary" | "error";

export interface Button {
  title: string;
  payload: string;
}

export interface Card {
  type: "booking";
  reference: string;
  service?: string;
  minutes?: number | null;
  therapist?: string;
  /** ISO 8601 with the clinic's offset. */
  starts: string;
  ends?: string;
  /** IANA name of the clinic's time zone. */
  zone?: string;
  place?: string;
  status?: string;
  /** An iCalendar file's text, or its address. */
  ics?: string;
}

export interface Message {
  seq: number;
  id: string;
  /** ISO 8601, UTC. */
  at: string;
  from: Speaker;
  name?: string;
  text: string;
  /** BCP 47, where the assistant does not speak English and in every sentence of the clinic's. */
  lang?: string;
  buttons?: Button[];
  source?: { label: string };
  kind?: Kind | null;
  card?: Card;
  /** The messaging app in which it was written, or to which alone it matters. */
  via?: string;
  rateable?: boolean;
  /** The thumb it was given. */
  rated?: "up" | "down";
  in_reply_to?: string;
}

export interface Session {
  token: string;
  expires_at?: string;
  /** A short public label; another one means another conversation. */
  conversation: string;
  clinic?: { name?: string; phone?: string; emergency?: string; numbers?: string[] };
  assistant?: { name?: string; kind?: "assistant" | "person" };
  privacy?: { keep_days?: number };
  limits?: { text?: number; per_minute?: number };
  /** Messaging apps in which the conversation can go on. */
  apps?: string[];
  resumed: boolean;
  received?: number;
}

export interface Handoff {
  state: "requested" | "joined" | "left";
  name?: string;
}

export interface Problem {
  code: string;
  message?: string;
  /** Seconds. */
  retry_after?: number;
  in_reply_to?: string;
}

/** Opens an app with the conversation, once. */
export interface Link {
  url: string;
  expires_at: string;
}

export interface Page {
  messages: Message[];
  more: boolean;
}

export type Answer<T = object> = ({ ok: true } & T) | { ok: false; error?: Problem };
