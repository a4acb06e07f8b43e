import * as z from "zod/mini";
import * as packs from "../providers/packs.ts";

/** Sorted by id in descending order, which `local.json` and the generated documents have always had. */
const sorted = Object.values(packs).sort((a, b) => (a.id < b.id ? 1 : -1));

type Pack = (typeof packs)[keyof typeof packs];

export type ProviderId = Pack["id"];

/** Every provider pack of `shared/providers/packs.ts`, by its id. */
export const providerPacks = Object.fromEntries(
  sorted.map((pack) => [pack.id, pack]),
) as unknown as Readonly<{ [One in Pack as One["id"]]: One }>;

export const providerId = z.enum(Object.keys(providerPacks) as [ProviderId, ...ProviderId[]]);
