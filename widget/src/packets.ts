// What Socket.IO's packets look like on the line: its protocol 5 without binary data, which neither
// side has here. Takes the place of socket.io-parser in the bundle, as build.mjs says.
export const protocol = 5;

export const PacketType = {
  CONNECT: 0,
  DISCONNECT: 1,
  EVENT: 2,
  ACK: 3,
  CONNECT_ERROR: 4,
  // Never seen: socket.io-client asks for them.
  BINARY_EVENT: 5,
  BINARY_ACK: 6,
};

interface Packet {
  type: number;
  nsp?: string;
  id?: number;
  data?: unknown;
}

/** Whether a server's packet has what its type says. */
function fits({ type, data }: Packet): boolean {
  if (type === PacketType.EVENT) return Array.isArray(data) && typeof data[0] === "string";
  if (type === PacketType.ACK) return Array.isArray(data);
  if (type === PacketType.DISCONNECT) return data === undefined;
  return type <= PacketType.CONNECT_ERROR && typeof data === "object" && data !== null;
}

export class Encoder {
  encode({ type, id, data }: Packet): string[] {
    return [`${type}${id ?? ""}${data === undefined ? "" : JSON.stringify(data)}`];
  }
}

export class Decoder {
  #tell: ((packet: Packet) => void) | undefined;

  /** The client listens for "decoded" and for nothing else. */
  on(_event: string, tell: (packet: Packet) => void): void {
    this.#tell = tell;
  }

  off(): void {
    this.#tell = undefined;
  }

  /** Takes a text from the line; throws what makes the client close the line. */
  add(text: unknown): void {
    const [, type, id, data] = /^([0-4])(\d*)(.*)$/s.exec(String(text)) ?? [];
    const packet: Packet = { type: Number(type), nsp: "/" };
    if (id) packet.id = Number(id);
    if (data) packet.data = JSON.parse(data);
    if (!fits(packet)) throw new Error("invalid payload");
    this.#tell?.(packet);
  }

  destroy(): void {}
}
