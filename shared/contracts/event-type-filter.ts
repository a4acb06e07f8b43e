import * as z from "zod/mini";
import { type DeliverableType, deliverableTypes } from "./events.ts";

/** Stands for one segment of a type, or as a filter by itself for every type. */
const ANY = "*";

/** Every form of a type in which some of its segments are `*`. */
function wildcardsOf(type: string): string[] {
  return type
    .split(".")
    .reduce<string[][]>(
      (forms, segment) =>
        forms.flatMap((form) => [
          [...form, segment],
          [...form, ANY],
        ]),
      [[]],
    )
    .map((segments) => segments.join("."))
    .filter((form) => form !== type);
}

/**
 * A choice of event types: a type, or a type in which `*` stands for a segment, such as
 * `workflow.*`; `*` alone stands for every type. A filter that no type matches is refused.
 */
export const eventTypeFilter = z.enum([
  ...deliverableTypes,
  ...new Set([ANY, ...deliverableTypes.flatMap(wildcardsOf)]),
]);

export type EventTypeFilter = z.output<typeof eventTypeFilter>;

/** Whether a filter chooses this type. */
export function matchesFilter(filter: EventTypeFilter, type: string): boolean {
  if (filter === ANY) return true;
  const [wanted, segments] = [filter.split("."), type.split(".")];
  return (
    wanted.length === segments.length &&
    wanted.every((segment, at) => segment === ANY || segment === segments[at])
  );
}

/** Whether one of the filters chooses this type; absent filters choose every type. */
export function isChosen(filters: readonly EventTypeFilter[] | undefined, type: string): boolean {
  return filters === undefined || filters.some((filter) => matchesFilter(filter, type));
}

/** The types that a filter chooses. */
export function typesChosenBy(filter: EventTypeFilter): DeliverableType[] {
  return deliverableTypes.filter((type) => matchesFilter(filter, type));
}
