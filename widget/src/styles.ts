// How the window looks. Colours, radius, font, place and size are custom properties; the parts
// are named, for what these cannot change. docs/embedding.md lists both.
import { css } from "lit";

const light = css`
  --_accent: var(--clinic-chat-accent, #14615a);
  --_on-accent: var(--clinic-chat-on-accent, #ffffff);
  --_accent-text: var(--clinic-chat-accent-text, #0f554f);
  --_accent-soft: var(--clinic-chat-accent-soft, #e3efec);
  --_surface: var(--clinic-chat-surface, #ffffff);
  --_page: var(--clinic-chat-page, #f5f6f4);
  --_text: var(--clinic-chat-text, #1d2726);
  --_quiet: var(--clinic-chat-quiet, #55625f);
  --_line: var(--clinic-chat-line, #d9dfdc);
  --_edge: #7c8a86;
  --_danger: #b3261e;
  --_danger-soft: #fdeceb;
  --_danger-text: #7d120c;
  --_on-danger: #ffffff;
  --_warn: #8a5a00;
  --_warn-soft: #fdf3e0;
  --_warn-text: #5d3d00;
  --_shadow: 0 1px 2px rgb(10 30 28 / 8%), 0 12px 40px rgb(10 30 28 / 20%);
  color-scheme: light;
`;

const dark = css`
  --_accent: var(--clinic-chat-accent-dark, #7cc7bb);
  --_on-accent: var(--clinic-chat-on-accent-dark, #06211e);
  --_accent-text: var(--clinic-chat-accent-text-dark, #8fd5c9);
  --_accent-soft: var(--clinic-chat-accent-soft-dark, #1f3a37);
  --_surface: var(--clinic-chat-surface-dark, #1f2827);
  --_page: var(--clinic-chat-page-dark, #151c1b);
  --_text: var(--clinic-chat-text-dark, #e8eeec);
  --_quiet: var(--clinic-chat-quiet-dark, #a9b6b3);
  --_line: var(--clinic-chat-line-dark, #35423f);
  --_edge: #84938f;
  --_danger: #ffb4ab;
  --_danger-soft: #3d1a18;
  --_danger-text: #ffdad6;
  --_on-danger: #4a0b07;
  --_warn: #f3c26b;
  --_warn-soft: #35290f;
  --_warn-text: #f8dfb2;
  --_shadow: 0 1px 2px rgb(0 0 0 / 40%), 0 12px 40px rgb(0 0 0 / 55%);
  color-scheme: dark;
`;

export const styles = css`
  :host {
    ${light}
    --_radius: var(--clinic-chat-radius, 18px);
    position: fixed;
    inset-block-end: var(--clinic-chat-block, 20px);
    inset-inline-end: var(--clinic-chat-inline, 20px);
    z-index: var(--clinic-chat-z-index, 2147483000);
    display: block;
    font: 400 16px/1.5 var(--clinic-chat-font, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif);
    color: var(--_text);
    text-align: start;
    letter-spacing: normal;
    text-transform: none;
    -webkit-text-size-adjust: 100%;
  }
  :host([position="start"]) {
    inset-inline: var(--clinic-chat-inline, 20px) auto;
  }
  :host([theme="dark"]) {
    ${dark}
  }
  @media (prefers-color-scheme: dark) {
    :host(:not([theme="light"])) {
      ${dark}
    }
  }
  :host([hidden]) {
    display: none;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  p,
  h2,
  h3,
  ul,
  ol,
  dl,
  dd {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  button,
  textarea,
  input {
    font: inherit;
    color: inherit;
    letter-spacing: inherit;
  }
  button {
    cursor: pointer;
    touch-action: manipulation;
  }
  a {
    color: var(--_accent-text);
    text-underline-offset: 2px;
    overflow-wrap: anywhere;
  }
  svg {
    display: block;
    flex: none;
  }
  :focus-visible {
    outline: 3px solid var(--_accent-text);
    outline-offset: 2px;
  }
  [tabindex="-1"]:focus-visible {
    outline: none;
  }
  .hidden,
  #news,
  #alerts {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  [hidden] {
    display: none !important;
  }

  /* On the page */
  .launcher {
    position: relative;
    display: flex;
    align-items: center;
    gap: 10px;
    min-block-size: 56px;
    min-inline-size: 56px;
    margin-inline-start: auto;
    padding: 0 22px 0 18px;
    border: 2px solid transparent;
    border-radius: 28px;
    background: var(--_accent);
    color: var(--_on-accent);
    font-weight: 600;
    box-shadow: var(--_shadow);
    transition:
      transform 0.15s ease,
      filter 0.15s ease;
  }
  .launcher:dir(rtl) {
    padding: 0 18px 0 22px;
  }
  .launcher:hover {
    filter: brightness(1.08);
  }
  .launcher:active {
    transform: scale(0.97);
  }
  .launcher:focus-visible {
    outline: 3px solid var(--_surface);
    outline-offset: -5px;
    box-shadow:
      0 0 0 3px var(--_accent-text),
      var(--_shadow);
  }
  .launcher[aria-expanded="true"] {
    padding: 0;
    justify-content: center;
  }
  .badge {
    position: absolute;
    inset-block-start: -8px;
    inset-inline-end: -4px;
    min-inline-size: 26px;
    block-size: 26px;
    padding: 0 6px;
    border: 2px solid #ffffff;
    border-radius: 13px;
    background: #b3261e;
    color: #ffffff;
    font-size: 13px;
    font-weight: 700;
    line-height: 22px;
    text-align: center;
  }
  .invitation {
    position: absolute;
    inset-block-end: 72px;
    inset-inline-end: 0;
    display: flex;
    inline-size: min(300px, calc(100vw - 40px));
    padding: 6px;
    border: 1px solid var(--_line);
    border-radius: var(--_radius) var(--_radius) 4px var(--_radius);
    background: var(--_surface);
    box-shadow: var(--_shadow);
  }
  .invitation-text {
    flex: 1;
    min-block-size: 44px;
    padding: 8px 10px;
    border: 0;
    background: none;
    text-align: start;
    line-height: 1.4;
  }
  :host([position="start"]) .invitation {
    inset-inline: 0 auto;
  }

  /* The window */
  dialog {
    position: fixed;
    inset: auto;
    inset-block-end: calc(var(--clinic-chat-block, 20px) + 72px);
    inset-inline-end: var(--clinic-chat-inline, 20px);
    inline-size: var(--clinic-chat-width, 400px);
    block-size: var(--clinic-chat-height, 660px);
    max-inline-size: calc(100vw - 40px);
    max-block-size: calc(100dvh - var(--clinic-chat-block, 20px) - 92px);
    margin: 0;
    padding: 0;
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    overflow: hidden;
    background: var(--_page);
    color: var(--_text);
    box-shadow: var(--_shadow);
  }
  :host([position="start"]) dialog:not(.full) {
    inset-inline: var(--clinic-chat-inline, 20px) auto;
  }
  dialog[open] {
    display: flex;
    flex-direction: column;
    container-type: size;
  }
  dialog::backdrop {
    background: none;
  }
  dialog.full {
    inset: 0;
    inset-block-start: var(--_top, 0);
    inline-size: 100%;
    block-size: var(--_height, 100dvh);
    max-inline-size: none;
    max-block-size: none;
    border: 0;
    border-radius: 0;
    padding-block-end: env(safe-area-inset-bottom);
  }
  /* A low window: the button on the page gives way, the window has its own. */
  @media (max-height: 480px) {
    dialog:not(.full) {
      inset-block-end: 8px;
      max-block-size: calc(100dvh - 16px);
    }
  }

  .head {
    display: flex;
    align-items: center;
    gap: 12px;
    padding: 12px 8px 12px 16px;
    background: var(--_surface);
    border-block-end: 1px solid var(--_line);
  }
  .head:dir(rtl) {
    padding: 12px 16px 12px 8px;
  }
  .avatar {
    display: grid;
    place-items: center;
    flex: none;
    inline-size: 42px;
    block-size: 42px;
    border-radius: 50%;
    background: var(--_accent);
    color: var(--_on-accent);
  }
  .who {
    flex: 1;
    min-inline-size: 0;
  }
  h2 {
    font-size: 16px;
    font-weight: 650;
    line-height: 1.3;
    overflow-wrap: anywhere;
  }
  #speaker {
    display: flex;
    align-items: center;
    gap: 6px;
    color: var(--_quiet);
    font-size: 13.5px;
    line-height: 1.35;
  }
  .dot {
    flex: none;
    inline-size: 9px;
    block-size: 9px;
    border: 1px solid transparent;
    border-radius: 50%;
    background: #2e8b57;
  }
  .dot.off {
    border-color: var(--_edge);
    background: none;
  }
  .icon-button {
    display: grid;
    place-items: center;
    flex: none;
    inline-size: 44px;
    block-size: 44px;
    padding: 0;
    border: 0;
    border-radius: 12px;
    background: none;
    color: var(--_quiet);
  }
  .icon-button:hover {
    background: var(--_accent-soft);
    color: var(--_text);
  }
  .menu {
    position: absolute;
    inset-block-start: 64px;
    inset-inline-end: 12px;
    z-index: 3;
    min-inline-size: 220px;
    max-inline-size: calc(100% - 24px);
    padding: 6px;
    border: 1px solid var(--_line);
    border-radius: 14px;
    background: var(--_surface);
    box-shadow: var(--_shadow);
  }
  .menu :is(button, a) {
    display: flex;
    align-items: center;
    gap: 12px;
    inline-size: 100%;
    min-block-size: 44px;
    padding: 8px 12px;
    border: 0;
    border-radius: 10px;
    background: none;
    color: var(--_text);
    text-align: start;
    text-decoration: none;
  }
  .menu svg {
    inline-size: 20px;
    color: var(--_quiet);
  }
  .menu :is(button, a):hover {
    background: var(--_accent-soft);
  }
  .menu :focus-visible {
    outline-offset: -3px;
  }

  .body {
    position: relative;
    display: flex;
    flex: 1;
    flex-direction: column;
    min-block-size: 0;
  }
  .bar,
  .pinned {
    display: flex;
    align-items: flex-start;
    gap: 10px;
    padding: 10px 16px;
    background: var(--_warn-soft);
    color: var(--_warn-text);
    font-size: 14.5px;
    line-height: 1.4;
    border-block-end: 1px solid var(--_line);
  }
  .bar svg,
  .pinned > svg {
    inline-size: 20px;
    block-size: 20px;
  }
  .bar a,
  .slow a,
  .note a {
    color: inherit;
    font-weight: 600;
  }
  .number {
    font-weight: 650;
    white-space: nowrap;
  }
  /* As large as a button for a finger, without pushing the sentence apart. */
  .number,
  .quiet a,
  .notice a,
  .slow a {
    display: inline-block;
    margin: -14px;
    padding: 14px;
  }
  .pinned {
    flex-wrap: wrap;
    align-items: center;
    background: var(--_danger-soft);
    color: var(--_danger-text);
    border-block-end: 2px solid var(--_danger);
  }
  .pinned p {
    flex: 1 1 180px;
  }
  .call {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
    min-block-size: 44px;
    padding: 8px 16px;
    border: 2px solid transparent;
    border-radius: 22px;
    background: var(--_danger);
    color: var(--_on-danger);
    font-weight: 650;
    text-decoration: none;
    white-space: nowrap;
  }
  .calls {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    margin-block-start: 10px;
  }

  .log {
    flex: 1;
    min-block-size: 0;
    padding: 16px;
    overflow-y: auto;
    overscroll-behavior: contain;
    scrollbar-gutter: stable;
    scrollbar-width: thin;
  }
  .log:focus-visible {
    outline-offset: -3px;
  }
  .notice {
    padding: 14px 16px;
    border: 1px solid var(--_line);
    border-radius: 14px;
    background: var(--_surface);
    color: var(--_quiet);
    font-size: 14px;
    line-height: 1.5;
  }
  .notice p + p,
  .notice h3 + p {
    margin-block-start: 6px;
  }
  h3 {
    color: var(--_text);
    font-size: 15px;
    font-weight: 650;
  }
  .notice-emergency {
    display: flex;
    gap: 8px;
    color: var(--_text);
  }
  .notice-emergency svg {
    inline-size: 18px;
    block-size: 21px;
    color: var(--_danger);
  }
  .notice button {
    margin-block-start: 10px;
  }
  .plain,
  .main {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
    min-block-size: 44px;
    padding: 8px 18px;
    border: 1px solid var(--_edge);
    border-radius: 22px;
    background: var(--_surface);
    color: var(--_text);
    font-weight: 550;
    text-decoration: none;
  }
  .plain:hover {
    background: var(--_accent-soft);
  }
  .main {
    border-color: transparent;
    background: var(--_accent);
    color: var(--_on-accent);
  }
  .main:hover,
  .call:hover,
  .send:hover {
    filter: brightness(1.08);
  }
  .main.delete {
    background: var(--_danger);
    color: var(--_on-danger);
  }
  .small {
    padding-inline: 14px;
    font-size: 14px;
  }
  .plain svg {
    inline-size: 20px;
    block-size: 20px;
  }
  .choices {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    margin-block-start: 10px;
  }
  .quiet {
    color: var(--_quiet);
    font-size: 14px;
  }
  .suggestions {
    margin-block-start: 14px;
  }
  .suggestions .quiet {
    margin-block: 16px 0;
  }
  .suggestions .replies {
    margin-block-start: 8px;
  }

  .messages {
    display: flex;
    flex-direction: column;
  }
  .message {
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    margin-block-start: 10px;
    scroll-margin-block: 8px;
  }
  .message.mine {
    align-items: flex-end;
  }
  .mine + .theirs,
  .theirs + .mine {
    margin-block-start: 16px;
  }
  .bubble {
    max-inline-size: 88%;
    padding: 10px 14px;
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    border-end-start-radius: 5px;
    background: var(--_surface);
    overflow-wrap: anywhere;
  }
  .mine .bubble {
    border-color: transparent;
    border-end-start-radius: var(--_radius);
    border-end-end-radius: 5px;
    background: var(--_accent);
    color: var(--_on-accent);
  }
  .mine a {
    color: inherit;
  }
  .mine.waiting .bubble,
  .mine.failed .bubble {
    border: 1px dashed var(--_edge);
    background: var(--_surface);
    color: var(--_text);
  }
  .person .bubble,
  .clinic .bubble {
    border-color: var(--_accent-text);
  }
  .text > * + * {
    margin-block-start: 8px;
  }
  .text ul {
    padding-inline-start: 20px;
    list-style: disc;
  }
  .text li + li {
    margin-block-start: 2px;
  }
  .emergency .bubble,
  .urgent .bubble,
  .check .bubble {
    max-inline-size: 100%;
    inline-size: 100%;
    border: 1px solid var(--_danger);
    border-inline-start-width: 6px;
    background: var(--_danger-soft);
    color: var(--_danger-text);
  }
  .urgent .bubble,
  .check .bubble {
    border-color: var(--_warn);
    background: var(--_warn-soft);
    color: var(--_warn-text);
  }
  .emergency .bubble p:not(.mark):first-of-type {
    font-weight: 600;
  }
  .emergency .bubble a:not(.call),
  .urgent .bubble a:not(.call),
  .check .bubble a:not(.call) {
    color: inherit;
    font-weight: 650;
  }
  .mark {
    display: flex;
    align-items: center;
    gap: 8px;
    margin-block-end: 6px;
    font-size: 14px;
    font-weight: 700;
  }
  .source {
    margin-block-start: 8px;
    padding-block-start: 8px;
    border-block-start: 1px solid var(--_line);
    color: var(--_quiet);
    font-size: 13.5px;
    line-height: 1.4;
  }
  .below {
    display: flex;
    align-items: center;
    gap: 4px;
    inline-size: 100%;
    min-block-size: 8px;
    padding-inline-start: 4px;
  }
  .meta {
    display: flex;
    align-items: center;
    gap: 8px;
    margin-block-start: 4px;
    color: var(--_quiet);
    font-size: 12.5px;
    line-height: 1.4;
  }
  .below .meta {
    margin: 0;
  }
  .delivery:not(:empty)::before {
    content: "·";
    margin-inline-end: 8px;
  }
  .thumbs {
    display: flex;
    align-items: center;
    margin-inline-start: auto;
  }
  .thumbs svg {
    inline-size: 19px;
    block-size: 19px;
  }
  .thumbs .down svg {
    transform: rotate(180deg);
  }
  .thumbs [aria-pressed="true"] {
    color: var(--_accent-text);
  }
  .thumbs [aria-pressed="true"] svg {
    fill: currentColor;
  }
  .rated {
    font-size: 13px;
  }
  .reason {
    flex: 1;
    margin-block-start: 8px;
    font-size: 14px;
  }
  .reason input {
    inline-size: 100%;
    min-block-size: 44px;
    margin-block-start: 4px;
    padding: 8px 12px;
    border: 1px solid var(--_edge);
    border-radius: 12px;
    background: var(--_surface);
    font-size: 16px;
  }
  .failure {
    display: flex;
    gap: 8px;
    margin-block-start: 6px;
    color: var(--_danger-text);
    font-size: 14px;
    font-weight: 550;
  }
  .failure svg,
  .problem svg {
    inline-size: 20px;
    block-size: 20px;
  }
  .problem {
    display: flex;
    gap: 8px;
    color: var(--_danger-text);
  }
  .replies {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    margin-block-start: 6px;
  }
  .reply {
    min-block-size: 44px;
    padding: 8px 16px;
    border: 1.5px solid var(--_accent-text);
    border-radius: 22px;
    background: var(--_surface);
    color: var(--_accent-text);
    font-weight: 550;
    line-height: 1.35;
    text-align: start;
    overflow-wrap: anywhere;
  }
  .reply:hover {
    background: var(--_accent-soft);
  }
  .card {
    inline-size: 100%;
    margin-block-start: 8px;
    padding: 16px;
    border: 1px solid var(--_line);
    border-block-start: 4px solid var(--_accent);
    border-radius: 14px;
    background: var(--_surface);
  }
  .bubble .card {
    padding: 4px 12px;
    background: var(--_page);
  }
  .card-title {
    display: flex;
    align-items: center;
    gap: 8px;
    font-weight: 650;
  }
  .card-title svg {
    color: var(--_accent-text);
  }
  .reference {
    margin-block: 10px 4px;
  }
  .reference strong {
    margin-inline-start: 8px;
    padding: 3px 10px;
    border-radius: 8px;
    background: var(--_accent-soft);
    font: 650 16px/1.5 ui-monospace, "Cascadia Mono", Consolas, monospace;
    letter-spacing: 0.08em;
    user-select: all;
  }
  .card div {
    display: flex;
    gap: 12px;
    padding-block: 6px;
    border-block-end: 1px solid var(--_line);
    font-size: 15px;
  }
  .card div:last-child {
    border: 0;
  }
  dt,
  .reference span {
    flex: 0 0 84px;
    color: var(--_quiet);
  }
  .reference {
    display: flex;
    align-items: center;
    font-size: 15px;
  }
  dd {
    flex: 1;
    min-inline-size: 0;
    overflow-wrap: anywhere;
  }
  .card .plain {
    inline-size: 100%;
    margin-block-start: 8px;
  }
  .day,
  .note {
    margin-block: 16px 4px;
    color: var(--_quiet);
    font-size: 14px;
    text-align: center;
  }
  .note.done {
    padding: 10px 14px;
    border-radius: 12px;
    background: var(--_accent-soft);
    color: var(--_text);
  }
  .slow {
    display: flex;
    gap: 10px;
    padding: 10px 14px;
    border: 1px solid var(--_line);
    border-radius: 14px;
    background: var(--_warn-soft);
    color: var(--_warn-text);
    text-align: start;
  }
  .slow svg {
    inline-size: 20px;
    block-size: 20px;
  }
  .earlier {
    display: flex;
    margin: 0 auto 8px;
  }
  .typing {
    display: inline-flex;
    margin-block-start: 12px;
    padding: 14px 16px;
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    border-end-start-radius: 5px;
    background: var(--_surface);
  }
  .dots {
    display: flex;
    gap: 5px;
  }
  .dots i {
    inline-size: 7px;
    block-size: 7px;
    border-radius: 50%;
    background: var(--_quiet);
    animation: breathe 1.2s infinite ease-in-out;
  }
  .dots i:nth-child(2) {
    animation-delay: 0.15s;
  }
  .dots i:nth-child(3) {
    animation-delay: 0.3s;
  }
  @keyframes breathe {
    0%,
    60%,
    100% {
      opacity: 0.35;
    }
    30% {
      opacity: 1;
    }
  }
  .to-bottom {
    position: absolute;
    inset-block-end: 10px;
    inset-inline: 0;
    z-index: 2;
    display: flex;
    align-items: center;
    gap: 6px;
    inline-size: fit-content;
    min-block-size: 44px;
    margin-inline: auto;
    padding: 6px 14px 6px 18px;
    border: 1px solid var(--_edge);
    border-radius: 22px;
    background: var(--_surface);
    font-size: 14px;
    font-weight: 600;
    box-shadow: var(--_shadow);
  }

  .composer {
    display: flex;
    flex-wrap: wrap;
    align-items: flex-end;
    gap: 8px;
    padding: 10px 12px;
    border-block-start: 1px solid var(--_line);
    background: var(--_surface);
  }
  textarea {
    flex: 1;
    min-inline-size: 0;
    min-block-size: 46px;
    max-block-size: min(160px, 30dvh);
    padding: 10px 16px;
    border: 1px solid var(--_edge);
    border-radius: 23px;
    background: var(--_page);
    line-height: 24px;
    resize: none;
    overflow-y: auto;
    scrollbar-width: thin;
    field-sizing: content;
  }
  textarea:focus-visible {
    outline: 2px solid var(--_accent-text);
    outline-offset: 0;
    border-color: transparent;
  }
  textarea::placeholder {
    color: var(--_quiet);
    opacity: 1;
  }
  .send {
    display: grid;
    place-items: center;
    flex: none;
    inline-size: 46px;
    block-size: 46px;
    padding: 0;
    border: 2px solid transparent;
    border-radius: 50%;
    background: var(--_accent);
    color: var(--_on-accent);
  }
  .send[aria-disabled] {
    background: none;
    border-color: var(--_line);
    color: var(--_quiet);
    cursor: default;
    filter: none;
  }
  .count {
    flex-basis: 100%;
    padding-inline: 6px;
    font-size: 13px;
  }
  .count:empty {
    display: none;
  }
  .cover {
    flex: 1;
    padding: 28px 24px;
    overflow-y: auto;
    background: var(--_page);
  }
  .cover h3 {
    font-size: 20px;
    line-height: 1.3;
  }
  .cover > * + * {
    margin-block-start: 14px;
  }

  /* What an on-screen keyboard leaves free is low: the messages need it most. */
  @container (max-height: 460px) {
    .head {
      padding-block: 4px;
    }
    .avatar {
      display: none;
    }
    .pinned {
      padding-block: 4px;
    }
    .pinned p,
    .bar {
      font-size: 13.5px;
      line-height: 1.3;
    }
  }
  /* Two columns become one when there is little room or large text. */
  @media (max-width: 340px) {
    .card div {
      flex-direction: column;
      gap: 0;
    }
    dt {
      flex-basis: auto;
    }
    .log {
      padding: 12px;
    }
  }
  @media (max-width: 479px) {
    .launcher {
      padding: 0;
      justify-content: center;
    }
    .launcher:dir(rtl) {
      padding: 0;
    }
    .launcher-text {
      position: absolute;
      inline-size: 1px;
      overflow: hidden;
      clip-path: inset(50%);
      white-space: nowrap;
    }
  }
  @media (prefers-reduced-motion: no-preference) {
    dialog[open] {
      animation: rise 0.18s ease-out;
    }
    @keyframes rise {
      from {
        opacity: 0;
        transform: translateY(10px);
      }
    }
  }
  @media (prefers-reduced-motion: reduce) {
    * {
      animation: none !important;
      transition: none !important;
    }
    .dots i {
      opacity: 0.8;
    }
  }
  @media (prefers-contrast: more) {
    :host {
      --_line: var(--_edge);
      --_quiet: var(--_text);
    }
  }
  /* Forced colours drop backgrounds, so what tells things apart needs a border. */
  @media (forced-colors: active) {
    .launcher,
    .send,
    .main,
    .call,
    .badge,
    .avatar,
    .bubble,
    .note.done,
    .mine .bubble {
      border: 1px solid CanvasText;
    }
    .emergency .bubble {
      border: 3px double CanvasText;
      border-inline-start-width: 10px;
    }
    .dots i,
    .dot {
      forced-color-adjust: none;
      background: CanvasText;
    }
  }
  @media print {
    :host {
      display: none;
    }
  }
`;
