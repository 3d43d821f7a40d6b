// What this browser remembers of a conversation: its key, what is not sent yet, what was read.
// Messages themselves are kept by the server alone, so a shared computer does not keep them.

import type { Problem } from "./protocol.ts";

export interface Unsent {
  id: string;
  text: string;
  payload?: string;
  /** When it was written, ISO 8601, UTC. */
  at: string;
  /** Why the server did not take it. */
  failure?: Problem;
}

/** The last emergency that was told: which message, and whom to call. */
export interface Alarm {
  id: string;
  text: string;
}

export interface Remembered {
  token?: string;
  conversation?: string;
  /** The highest seq that was shown in an open window. */
  read?: number;
  /** The patient has written, and so has agreed to the notice. */
  agreed?: boolean;
  open?: boolean;
  invited?: boolean;
  draft?: string;
  outbox?: Unsent[];
  /** Shown again before the server can be asked, so without what was said. */
  alarm?: Alarm;
  /** References of the appointments that were told to the page. */
  booked?: string[];
  /** Ids of the messages that were written in this tab last. */
  own?: string[];
}

export type Lifetime = "session" | "local";

/** One entry of the browser's storage. Works without one, as in a private window. */
export class Memory {
  #key: string;
  #lifetime: Lifetime;
  #held: Remembered = {};

  constructor(server: string, lifetime: Lifetime) {
    this.#key = `clinic-chat:${server}`;
    this.#lifetime = lifetime;
  }

  get(): Remembered {
    const stored = this.#stored();
    // With "local" another tab may have taken something away.
    const alone = this.#lifetime === "session" || !stored;
    return (this.#held = { ...(alone ? this.#held : {}), ...stored });
  }

  update(changes: Remembered): void {
    // Read first: with "local" another tab may have written in the meantime.
    this.#write({ ...this.get(), ...changes });
  }

  keep(unsent: Unsent): void {
    this.update({ outbox: [...(this.get().outbox ?? []).filter((one) => one.id !== unsent.id), unsent] });
  }

  drop(id: string): void {
    this.update({ outbox: (this.get().outbox ?? []).filter((one) => one.id !== id) });
  }

  /** Forgets all but what is given. */
  clear(rest: Remembered = {}): void {
    this.#write(rest);
  }

  #write(all: Remembered): void {
    this.#held = all;
    try {
      this.#storage().setItem(this.#key, JSON.stringify(all));
    } catch {
      // Full or forbidden: the conversation lasts until this page is left.
    }
  }

  #storage(): Storage {
    return this.#lifetime === "local" ? localStorage : sessionStorage;
  }

  /** Undefined where nothing is or can be stored. */
  #stored(): Remembered | undefined {
    try {
      const found: unknown = JSON.parse(this.#storage().getItem(this.#key) ?? "null");
      return typeof found === "object" ? ((found ?? undefined) as Remembered | undefined) : undefined;
    } catch {
      return undefined;
    }
  }
}
