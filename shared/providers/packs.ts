// Every provider that Ackwire speaks with. A new provider is its folder and one line here.
export { linkedApi } from "./linked-api/pack.ts";
export { weLink } from "./we-link/pack.ts";
