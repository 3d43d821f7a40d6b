import { ClinicChat } from "./element.ts";

if (!customElements.get("clinic-chat")) customElements.define("clinic-chat", ClinicChat);
