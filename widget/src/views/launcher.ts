// The button on the page, with the number of unread messages, and the invitation beside it.
import { html, nothing, type TemplateResult } from "lit";
import * as icons from "../icons.ts";
import type { Say } from "../wording.ts";

interface Launcher {
  say: Say;
  name: string;
  open: boolean;
  unread: number;
  inviting: boolean;
  toggle(): void;
  decline(): void;
}

export function unreadText(say: Say, count: number): string {
  return say(count === 1 ? "unread_one" : "unread_many", { count });
}

export function launcher({ say, name, open, unread, inviting, toggle, decline }: Launcher): TemplateResult {
  const label = open ? say("launcher_close") : name ? say("launcher_clinic", { clinic: name }) : say("launcher");
  return html`
    ${inviting
      ? html`<div class="invitation" part="invitation">
          <button class="invitation-text" @click=${toggle}>${say("invitation")}</button>
          <button class="icon-button" aria-label=${say("invitation_close")} @click=${decline}>${icons.close}</button>
        </div>`
      : nothing}
    <button
      id="launcher"
      class="launcher"
      part="launcher"
      aria-label=${unread && !open ? `${label}, ${unreadText(say, unread)}` : label}
      aria-expanded=${open ? "true" : "false"}
      aria-haspopup="dialog"
      aria-controls="panel"
      @click=${toggle}
    >
      ${open ? icons.down : icons.chat}
      <span class="launcher-text" aria-hidden="true">${open ? nothing : say("launcher")}</span>
      ${unread && !open ? html`<span class="badge" part="badge" aria-hidden="true">${unread > 9 ? "9+" : unread}</span>` : nothing}
    </button>
  `;
}
