import { ClinicChat } from "./element.ts";

customElements.define("clinic-chat", ClinicChat);
