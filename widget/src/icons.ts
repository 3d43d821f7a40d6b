// Drawn here, so that no file and no font is fetched. All are decoration beside a name.
import { svg, type TemplateResult } from "lit";

function icon(shape: TemplateResult): TemplateResult {
  return svg`<svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${shape}</svg>`;
}

export const chat = icon(
  svg`<path d="M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.6 3.7c-.3.3-.9 0-.9-.4V16A2.4 2.4 0 0 1 4 13.6z"/><path d="M8.5 8.7h7M8.5 11.7h4.5"/>`,
);
export const down = icon(svg`<path d="m6 9.5 6 6 6-6"/>`);
export const more = icon(
  svg`<g fill="currentColor" stroke="none"><circle cx="5.5" cy="12" r="1.7"/><circle cx="12" cy="12" r="1.7"/><circle cx="18.5" cy="12" r="1.7"/></g>`,
);
export const close = icon(svg`<path d="m7 7 10 10M17 7 7 17"/>`);
export const send = icon(svg`<path d="M12 19V5.5M6 11l6-6 6 6"/>`);
export const alert = icon(svg`<path d="M12 4 2.8 19.5h18.4z"/><path d="M12 10v4.5M12 17.2v.1"/>`);
export const clock = icon(svg`<circle cx="12" cy="12" r="8.2"/><path d="M12 7.5V12l3 2"/>`);
export const question = icon(
  svg`<circle cx="12" cy="12" r="8.2"/><path d="M9.7 9.6a2.4 2.4 0 1 1 3.3 2.3c-.7.3-1 .8-1 1.5M12 16.3v.1"/>`,
);
export const phone = icon(
  svg`<path d="M6.2 4h2.5l1.5 4-2 1.5a11 11 0 0 0 6.3 6.3l1.5-2 4 1.5v2.5a1.9 1.9 0 0 1-2 2A15.6 15.6 0 0 1 4.2 6a1.9 1.9 0 0 1 2-2z"/>`,
);
export const calendar = icon(
  svg`<rect x="4" y="5.5" width="16" height="14.5" rx="2.5"/><path d="M4 10h16M8.5 3.5v4M15.5 3.5v4M9 15l2.2 2.2 4-4.2"/>`,
);
export const thumb = icon(
  svg`<path d="M8 11v9H4.8a.8.8 0 0 1-.8-.8v-7.4c0-.4.4-.8.8-.8zM8 11l3.6-7a2.3 2.3 0 0 1 2.1 2.6L13.2 9.5h5a1.8 1.8 0 0 1 1.8 2.2l-1.4 6.6a2.2 2.2 0 0 1-2.1 1.7H8"/>`,
);
export const copy = icon(svg`<path d="M12 4v10.5M7.5 10.5 12 15l4.5-4.5M5 19.5h14"/>`);
export const restart = icon(svg`<path d="M5 12a7 7 0 1 0 2.2-5.1M5 4v4h4"/>`);
export const bin = icon(svg`<path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10.2 10.5v5.5M13.8 10.5v5.5"/>`);
export const shield = icon(svg`<path d="M12 3.5 5 6v5.5c0 4.3 3 7.6 7 9 4-1.4 7-4.7 7-9V6z"/><path d="m9 11.8 2.2 2.2 3.8-4"/>`);
export const person = icon(svg`<circle cx="12" cy="8.5" r="3.7"/><path d="M4.8 19.5c.9-3.6 3.7-5.3 7.2-5.3s6.3 1.7 7.2 5.3"/>`);
export const leaf = icon(svg`<path d="M5 19c1.5-4.5 5-8 9.5-9.5M6.5 15.5C5 9.5 10 4.5 19.5 4.5c0 9.5-4.5 14.5-11 12.5"/>`);
