import type { FoundView, StepView } from "../../shared/contracts/http/operator/find.ts";
import { callOperation } from "./call-operation.ts";
import type { Command, Shown } from "./command.ts";
import { cellOf } from "./table.ts";

/** `why ID`: what has this id, and everything that happened to it and that is to happen. */
export const whyCommand: Command = {
  words: "why",
  summary: "Tells the whole story of anything by its id: what happened, and why it waits",
  positionals: [
    { name: "id", describe: "A request, event, delivery, webhook, … or provider's id" },
  ],
  options: { client: { type: "string", describe: "Only this client's" } },
  examples: ["why rq_64835e7c", "why dl_64835e7c --stage prod", "why rq_64835e7c --json"],
  async run(values, place) {
    const input = { id: values.id, clientId: values.client };
    return shownStories((await callOperation(await place(), "find", input)) as Found);
  },
};

interface Found {
  items: FoundView[];
}

export function shownStories(found: Found): Shown {
  return {
    data: found,
    lines: () => found.items.flatMap((one, at) => [...(at === 0 ? [] : [""]), ...storyOf(one)]),
  };
}

function storyOf({ kind, id, title, story, ...whose }: FoundView): string[] {
  const client = whose.clientName ? `${whose.clientId} "${whose.clientName}"` : whose.clientId;
  const others = [
    ["status", whose.status],
    ["client", client],
    ["connection", whose.connectionId],
    ["account", whose.accountId],
    ["request", whose.requestId === id ? undefined : whose.requestId],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`  ${name}: ${value}`]));
  return [`${kind} ${id}: ${title}`, ...others, "", ...story.map(lineOf)];
}

/** `!` is a failure, `…` is still to happen. */
function lineOf({ at, title, detail, id, isFailure, isFuture }: StepView): string {
  const mark = isFailure ? "!" : isFuture ? "…" : " ";
  const when = (at === undefined ? "" : cellOf(at)).padEnd("2026-12-01T00:00:00Z".length);
  const about = id === undefined ? "" : `  ${id}`;
  return `${mark} ${when}  ${title}${detail === undefined ? "" : `: ${detail}`}${about}`;
}
