// What the parts of the window need to know and can ask for.
import type { Conversation, Entry } from "./conversation.ts";
import type { Button, Link } from "./protocol.ts";
import type { Say } from "./wording.ts";

export type View = "chat" | "refused" | "restart" | "delete" | "apps";

/** What has to stay in view of an emergency: the message, or whom to call until it is here. */
export type Emergency = Pick<Entry, "id" | "text">;

export interface Clinic {
  name: string;
  phone: string;
  emergency: string;
  privacy: string;
  /** Telephone numbers that become links wherever a message names them. */
  numbers: string[];
}

export interface Ui {
  say: Say;
  lang: string;
  clinic: Clinic;
  conversation: Conversation;
  view: View;
  menu: boolean;
  /** Messages came while the patient was reading further up. */
  below: boolean;
  /** What could not be done, in words. */
  problem: string;
  /** The message whose thumb down asks for a reason. */
  explaining: string;
  offline: boolean;
  draft: string;
  /** Opens a messaging app with the conversation. */
  link: Link | undefined;
  speakerName(entry: Entry): string;
  pick(button: Button, event: Event): void;
  suggest(text: string, event: Event): void;
  /** The same thumb again takes it back. */
  rate(entry: Entry, value: "up" | "down"): void;
  explain(entry: Entry, reason: string): void;
  addToCalendar(entry: Entry): void;
  reveal(id: string): void;
  toBottom(): void;
  earlier(): void;
  show(view: View): void;
  toggleMenu(): void;
  copy(): void;
  restart(): void;
  remove(): void;
  continueIn(app: string): void;
  refuse(): void;
  minimise(): void;
  submit(event?: Event): void;
  typed(event: InputEvent): void;
  key(event: KeyboardEvent): void;
}
