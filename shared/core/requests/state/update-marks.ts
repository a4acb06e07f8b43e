import type { ProviderEvent } from "../../events/provider-event.ts";

interface MarkedUpdate {
  event: ProviderEvent;
  numbersAsText?: boolean;
}

/** The marks of a report that its event has, too. */
export function marksOf(update: MarkedUpdate): Readonly<Record<string, true>> {
  const { createdAtReplaced } = update.event.data;
  return { ...numbersAsTextFlag(update), ...(createdAtReplaced ? { createdAtReplaced } : {}) };
}

export function numbersAsTextFlag({ numbersAsText }: Pick<MarkedUpdate, "numbersAsText">): {
  numbersAsText?: true;
} {
  return numbersAsText ? { numbersAsText: true } : {};
}
