import { describe, expect, test, vi } from "vitest";
import { printEvent } from "../../cli/ackwire/listen.ts";
import { printShown } from "../../cli/ackwire/print-shown.ts";
import { shownOverview } from "../../cli/ackwire/status.ts";
import { shownStories } from "../../cli/ackwire/story.ts";
import { makeActivity } from "../../local/run/activity.ts";
import { printError, printLine, printText } from "../../local/terminal.ts";
import { filesBelow, textOf } from "../support/tree.ts";

/** It sets the title, clears the screen, begins a line of its own, and shows text backwards. */
const hostile = "a\u001b]0;title\u0007\u001b[2J\r\nb\u009b31m\u2028c\u202ed\u2066e\u200ff";
const shown = "a ]0;title [2J b 31m c d e f";

const obeyed = /[\p{Cc}\u2028\u2029\p{Bidi_Control}]/u;

/** The lines that reach a terminal. */
function linesOf(print: () => void): string[] {
  const lines: string[] = [];
  const take = (line: unknown) => {
    lines.push(String(line));
  };
  const spies = [
    vi.spyOn(console, "log").mockImplementation(take),
    vi.spyOn(console, "error").mockImplementation(take),
  ];
  try {
    print();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return lines;
}

const event = {
  ...{ clientId: "cl_1", id: "e:1", type: "message.reply", createdAt: "c", listedAt: "l" },
  data: { eventType: hostile, status: hostile, accountId: hostile },
};

const story = {
  ...({ id: hostile, kind: "request", clientId: "cl_1", clientName: hostile } as const),
  ...{ status: hostile, accountId: hostile, title: hostile },
  story: [{ kind: "note", title: hostile, detail: hostile, id: hostile } as const],
};

const overview = {
  at: "2026-12-01T00:00:00Z",
  traffic: {
    ...{ since: "2026-12-01T00:00:00Z", requestsAccepted: 0, eventsStored: 0 },
    ...{ deliveriesCreated: 0, delivered: 0, deliveriesFailed: 0, buckets: [], isComplete: true },
  },
  needsYou: [
    {
      ...({ kind: "account_paused", severity: "page", title: hostile } as const),
      ...{ cause: hostile, toDo: hostile, subject: { kind: "account", id: hostile } as const },
    },
  ],
  ...{ lanes: [], queues: [], clients: 1, isComplete: true },
};

describe("Texts of clients cannot control the terminal of an operator", () => {
  test.each<[string, number, () => void]>([
    ["tail", 1, () => printEvent(event, { isJson: false })],
    ["why", 6, () => printShown(shownStories({ items: [story] }), { isJson: false })],
    ["status", 7, () => printShown(shownOverview("local", overview), { isJson: false })],
  ])("The command %s prints them in its %d lines", (_, count, print) => {
    const lines = linesOf(print);
    expect(lines).toHaveLength(count);
    expect(lines.join(" ")).toContain(shown);
    expect(lines.filter((line) => obeyed.test(line))).toEqual([]);
  });

  test("The local run prints the path of a call on one line", () => {
    const activity = makeActivity(printLine);
    activity.start({ requests: "Requests", events: "Events", deliveries: "Deliveries" });
    const call = { method: "POST", routeKey: "$default", status: 404, tookMs: 1 };
    expect(linesOf(() => activity.onAnswered({ ...call, path: `/${hostile}` }))).toEqual([
      expect.stringContaining(`POST /${shown}  answered 404`),
    ]);
  });

  test.each<[string, () => void, unknown]>([
    ["an event", () => printEvent(event, { isJson: true }), event],
    ["an answer", () => printShown({ data: [story], lines: () => [] }, { isJson: true }), [story]],
  ])("The JSON of %s escapes them, and has the same value", (_, print, value) => {
    const text = linesOf(print).join("\n");
    expect(JSON.parse(text)).toEqual(value);
    expect(text.split("\n").filter((line) => obeyed.test(line))).toEqual([]);
  });

  test("An error and a help keep their own lines", () => {
    expect(linesOf(() => printError("\nno\u001b[2J\nway"))).toEqual(["", "no [2J", "way"]);
    expect(linesOf(() => printText("a\nb\u009b"))).toEqual(["a", "b "]);
  });
});

test("The commands and the local run print by one file alone", () => {
  const files = [...filesBelow("cli", ".ts"), ...filesBelow("local", ".ts")];
  expect(files.length).toBeGreaterThan(100);
  const printing = files.filter((file) => /\bconsole\.\w+\(/.test(textOf(file)));
  expect(printing).toEqual(["local/terminal.ts"]);
});
