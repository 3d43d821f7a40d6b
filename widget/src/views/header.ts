// Whose chat this is, who is speaking, and what can be done with the conversation.
import { html, nothing, type TemplateResult } from "lit";
import * as icons from "../icons.ts";
import { clockTime } from "../times.ts";
import type { Ui } from "../ui.ts";

/** As the apps are called by those who use them; all others are text messages. */
const APPS: Record<string, string> = {
  telegram: "Telegram",
  whatsapp: "WhatsApp",
  "twilio-whatsapp": "WhatsApp",
  messenger: "Messenger",
};

export function header(ui: Ui): TemplateResult {
  const { say, clinic, conversation, menu, view } = ui;
  const { kind, name } = conversation.speaker;
  // Who would rather not has nothing here that could be copied or deleted.
  const refused = view === "refused";
  const who = kind === "person" && name ? say("person_named", { name }) : say(kind);
  return html`
    <div class="head" part="header">
      <span class="avatar ${kind}" part="avatar">${kind === "person" ? icons.person : icons.leaf}</span>
      <div class="who">
        <h2 id="title" tabindex="-1">${clinic.name || say("title")}</h2>
        <p id="speaker"><span class="dot ${ui.offline ? "off" : ""}"></span>${who}</p>
      </div>
      ${refused && !clinic.privacy
        ? nothing
        : html`<button
        id="menu-button"
        class="icon-button"
        aria-label=${say("menu")}
        aria-expanded=${menu ? "true" : "false"}
        aria-controls="menu"
        @click=${() => ui.toggleMenu()}
      >
        ${icons.more}
      </button>`}
      <button class="icon-button" part="minimise" aria-label=${say("minimise")} @click=${() => ui.minimise()}>
        ${icons.down}
      </button>
    </div>
    <ul id="menu" class="menu" part="menu" ?hidden=${!menu}>
      ${refused ? nothing : items(ui)}
      ${clinic.privacy
        ? html`<li>
            <a href=${clinic.privacy} target="_blank" rel="noopener">${icons.shield}${say("privacy")}</a>
          </li>`
        : nothing}
    </ul>
  `;
}

function items(ui: Ui): TemplateResult {
  const { say, conversation } = ui;
  return html`
      <li><button @click=${() => ui.copy()}>${icons.copy}${say("get_copy")}</button></li>
      ${conversation.session?.apps?.length
        ? html`<li><button @click=${() => ui.show("apps")}>${icons.phone}${say("apps_title")}</button></li>`
        : nothing}
      <li><button @click=${() => ui.show("restart")}>${icons.restart}${say("start_again")}</button></li>
      <li><button @click=${() => ui.show("delete")}>${icons.bin}${say("delete")}</button></li>
  `;
}

/** What covers the messages: "Start again?", "Delete?" and "Continue in an app". */
export function cover(ui: Ui): TemplateResult | typeof nothing {
  const { say, view } = ui;
  if (view === "chat" || view === "refused") return nothing;
  return html`
    <section class="cover" aria-labelledby="cover-title">
      <h3 id="cover-title" tabindex="-1">${say(`${view}_title`)}</h3>
      <p>${say(`${view}_text`)}</p>
      ${ui.problem ? html`<p class="problem">${icons.alert}<span>${ui.problem}</span></p>` : nothing}
      <div class="choices">
        ${view === "apps"
          ? apps(ui)
          : html`<button class="main ${view}" @click=${() => (view === "delete" ? ui.remove() : ui.restart())}>
              ${say(`${view}_yes`)}
            </button>`}
        <button class="plain" @click=${() => ui.show("chat")}>${say("cancel")}</button>
      </div>
    </section>
  `;
}

function apps({ say, conversation, link, lang, continueIn }: Ui): unknown {
  if (!link)
    return conversation.session?.apps?.map(
      (app) => html`<button class="main" @click=${() => continueIn(app)}>${APPS[app] ?? say("apps_sms")}</button>`,
    );
  const open = html`<a class="main" href=${link.url} target="_blank" rel="noopener">${say("apps_open")}</a>`;
  return html`<p>${say("apps_until", { time: clockTime(link.expires_at, lang) })}</p>${open}`;
}
