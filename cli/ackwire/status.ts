import type {
  LaneView,
  NeedView,
  TrafficView,
} from "../../shared/contracts/http/operator/overview.ts";
import { callOperation } from "./call-operation.ts";
import type { Command, Shown } from "./command.ts";
import { type Row, tableOf } from "./table.ts";

interface Overview {
  at: string;
  traffic: TrafficView;
  needsYou: NeedView[];
  lanes: LaneView[];
  /** Absent: the stack is of an earlier version. */
  hasAllLanes?: boolean;
  queues: Row[];
  clients: number;
  isComplete: boolean;
}

/** `status`: the last hour, what needs a person, and what waits longest. */
export const statusCommand: Command = {
  words: "status",
  summary: "Shows the last hour's traffic, what needs a person, and what waits",
  positionals: [],
  options: { client: { type: "string", describe: "Only this client's" } },
  examples: ["status", "status --stage prod", "status --json"],
  async run({ client }, place) {
    const there = await place();
    const overview = await callOperation(there, "getOverview", { clientId: client });
    return shownOverview(there.name, overview as Overview);
  },
};

export function shownOverview(name: string, overview: Overview): Shown {
  const { at, traffic, needsYou, lanes, hasAllLanes, queues, clients, isComplete } = overview;
  const busy = queues.filter((one) =>
    ["waiting", "inFlight", "delayed", "deadLetters"].some((count) => one[count] !== 0),
  );
  return {
    data: overview,
    lines: (width) => [
      `${name}, ${clients} ${clients === 1 ? "client" : "clients"}, at ${at}${isComplete ? "" : "; there are more clients than were looked at"}`,
      trafficLine(traffic),
      "",
      needsYou.length === 0 ? "Nothing needs a person." : "Needs a person:",
      ...needsYou.flatMap(needLines),
      ...(lanes.length === 0 ? [] : ["", "Accounts whose requests wait, the oldest wait first:"]),
      ...(lanes.length === 0 ? [] : tableOf(lanes as unknown as Row[], laneColumns, width)),
      ...(hasAllLanes === false ? ["", "Lanes may be missing: too much is due."] : []),
      ...(busy.length === 0 ? [] : ["", "Queues that are not empty:"]),
      ...(busy.length === 0 ? [] : tableOf(busy, queueColumns, width)),
    ],
  };
}

const laneColumns = [
  "accountId",
  "provider",
  "waiting",
  "oldestSince",
  "oldestRequestId",
  "pausedBecause",
  "isStuck",
];
const queueColumns = ["name", "waiting", "inFlight", "delayed", "deadLetters"];

function trafficLine({ isComplete, ...traffic }: TrafficView): string {
  const counts = [
    ["accepted", traffic.requestsAccepted],
    ["events", traffic.eventsStored],
    ["deliveries", traffic.deliveriesCreated],
    ["delivered", traffic.delivered],
    ["failed", traffic.deliveriesFailed],
  ].map(([name, count]) => `${name} ${count}`);
  return `Since ${traffic.since}: ${counts.join(", ")}${isComplete ? "" : " (at least)"}`;
}

function needLines({ severity, title, cause, toDo, subject, since }: NeedView): string[] {
  const mark = severity === "page" ? "!" : "~";
  return [
    `  ${mark} ${title} (${subject.id})${since === undefined ? "" : ` since ${since}`}`,
    `      cause  ${cause}`,
    `      to do  ${toDo}`,
  ];
}
