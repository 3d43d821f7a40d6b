// Whose chat this is, who is speaking, and what can be done with the conversation.
import { html, nothing, type TemplateResult } from "lit";
import * as icons from "../icons.ts";
import type { Ui } from "../ui.ts";

export function header(ui: Ui): TemplateResult {
  const { say, clinic, conversation, menu } = ui;
  const { kind, name } = conversation.speaker;
  const who = kind === "person" && name ? say("person_named", { name }) : say(kind);
  return html`
    <div class="head" part="header">
      <span class="avatar ${kind}" part="avatar">${kind === "person" ? icons.person : icons.leaf}</span>
      <div class="who">
        <h2 id="title" tabindex="-1">${clinic.name || say("title")}</h2>
        <p id="speaker"><span class="dot ${ui.offline ? "off" : ""}"></span>${who}</p>
      </div>
      <button
        id="menu-button"
        class="icon-button"
        aria-label=${say("menu")}
        aria-expanded=${menu ? "true" : "false"}
        aria-controls="menu"
        @click=${() => ui.toggleMenu()}
      >
        ${icons.more}
      </button>
      <button class="icon-button" part="minimise" aria-label=${say("minimise")} @click=${() => ui.minimise()}>
        ${icons.down}
      </button>
    </div>
    <ul id="menu" class="menu" part="menu" ?hidden=${!menu}>
      <li><button @click=${() => ui.copy()}>${icons.copy}${say("get_copy")}</button></li>
      <li><button @click=${() => ui.show("restart")}>${icons.restart}${say("start_again")}</button></li>
      <li><button @click=${() => ui.show("delete")}>${icons.bin}${say("delete")}</button></li>
      ${clinic.privacy
        ? html`<li>
            <a href=${clinic.privacy} target="_blank" rel="noopener">${icons.shield}${say("privacy")}</a>
          </li>`
        : nothing}
    </ul>
  `;
}

/** "Start again?" and "Delete?" */
export function confirmation(ui: Ui): TemplateResult | typeof nothing {
  const { say, view } = ui;
  if (view !== "restart" && view !== "delete") return nothing;
  return html`
    <section class="cover" aria-labelledby="cover-title">
      <h3 id="cover-title" tabindex="-1">${say(`${view}_title`)}</h3>
      <p>${say(`${view}_text`)}</p>
      ${ui.problem ? html`<p class="problem">${icons.alert}<span>${say(ui.problem)}</span></p>` : nothing}
      <div class="choices">
        <button class="main ${view}" @click=${() => (view === "delete" ? ui.remove() : ui.restart())}>
          ${say(`${view}_yes`)}
        </button>
        <button class="plain" @click=${() => ui.show("chat")}>${say("cancel")}</button>
      </div>
    </section>
  `;
}
