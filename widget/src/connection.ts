// The line to the server: Socket.IO, reconnecting for ever with growing pauses.
import { io, type Socket } from "socket.io-client";
import { HEARD, type Answer, type SENT } from "./protocol.ts";

/** Seconds until a message that was not acknowledged is sent once more. */
const PATIENCE = 8;
const LONGEST_PAUSE = 20_000;

export type Line = "idle" | "connecting" | "online" | "offline" | "busy" | "refused";

export interface Listener {
  /** Said to the server when a connection is made. */
  hello(): Record<string, unknown>;
  line(line: Line): void;
  heard(event: string, data: unknown): void;
}

/** No acknowledgement came. */
export class Unanswered extends Error {}

export class Connection {
  line: Line = "idle";
  #socket: Socket | undefined;
  #server: string;
  #listener: Listener;
  #again: ReturnType<typeof setTimeout> | undefined;
  #refusals = 0;

  constructor(server: string, listener: Listener) {
    this.#server = server;
    this.#listener = listener;
  }

  open(): void {
    if (this.#socket) return;
    this.#set("connecting");
    const socket = io(this.#server, {
      path: "/chat/socket.io",
      // A proxy that lets no WebSocket through is met with polling.
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: LONGEST_PAUSE,
      randomizationFactor: 0.5,
      timeout: 10_000,
      // Two elements on one page are two conversations.
      forceNew: true,
      auth: (give) => give(this.#listener.hello()),
    });
    this.#socket = socket;
    socket.on("connect", () => {
      this.#refusals = 0;
      this.#set("online");
    });
    socket.on("disconnect", (reason) => {
      this.#set("offline");
      // The only ones after which Socket.IO does not come back by itself.
      if (reason === "io server disconnect") this.#later(500);
    });
    socket.on("connect_error", (error) => {
      if (error.message === "origin_not_allowed") {
        this.#set("refused");
        return;
      }
      // Where there is no place even to be refused in, the server answers with 401.
      const full = (error as { description?: unknown }).description === 401;
      const busy = full || error.message === "server_busy" || error.message === "too_many_connections";
      this.#set(busy ? "busy" : "offline");
      // Socket.IO tries again by itself unless the server has said no.
      if (!socket.active) this.#later(Math.min(1000 * 2 ** this.#refusals++, LONGEST_PAUSE));
    });
    for (const event of HEARD) socket.on(event, (data: unknown) => this.#listener.heard(event, data ?? {}));
    addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
  }

  close(): void {
    removeEventListener("online", this.#hurry);
    document.removeEventListener("visibilitychange", this.#hurry);
    clearTimeout(this.#again);
    this.#socket?.disconnect();
    this.#socket?.removeAllListeners();
    this.#socket = undefined;
    this.#set("idle");
  }

  /** Closes and opens, so that the server is greeted anew. */
  reopen(): void {
    this.close();
    this.open();
  }

  /** Sends and waits so many seconds for the acknowledgement; throws Unanswered when none comes. */
  async ask<T>(event: (typeof SENT)[number], data: object, patience = PATIENCE): Promise<Answer<T>> {
    if (!this.#socket?.connected) throw new Unanswered();
    try {
      return (await this.#socket.timeout(patience * 1000).emitWithAck(event, data)) as Answer<T>;
    } catch {
      throw new Unanswered();
    }
  }

  /** Sends what may get lost. */
  tell(event: (typeof SENT)[number], data: object): void {
    if (this.#socket?.connected) this.ask(event, data).catch(() => {});
  }

  #set(line: Line): void {
    if (line === this.line) return;
    this.line = line;
    this.#listener.line(line);
  }

  #later(milliseconds: number): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#socket?.connect(), milliseconds);
  }

  // The network is back or the page is looked at again: wait neither for the pause to end nor for an
  // attempt that hangs.
  #hurry = (): void => {
    const apart = this.line === "offline" || this.line === "connecting";
    if (document.visibilityState === "visible" && apart) {
      this.#socket?.disconnect().connect();
    }
  };
}
