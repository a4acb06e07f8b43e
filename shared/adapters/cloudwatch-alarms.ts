import { type CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import type { AlarmsView } from "../contracts/http/operator/overview.ts";
import { callDependency } from "./dependency-down.ts";

type AlarmView = AlarmsView["items"][number];

/** The alarms of a stack have names that begin with the stack's, and descriptions with their severity. */
const DESCRIPTION = /^(page|ticket): (.*?)(?: Runbook: (\S+))?$/s;

/** Pages of 100 alarms that are read. */
const MAX_PAGES = 5;

const order = ["ALARM", "INSUFFICIENT_DATA", "OK"];

/** Reads the alarms of one stack from CloudWatch, those that are on first. @throws DEPENDENCY_DOWN */
export function makeCloudWatchAlarms(options: {
  client: CloudWatchClient;
  /** How the names begin. */
  prefix: string;
}): () => Promise<AlarmsView> {
  return async () => {
    const items: AlarmView[] = [];
    let NextToken: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const command = new DescribeAlarmsCommand({
        AlarmNamePrefix: options.prefix,
        AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
        MaxRecords: 100,
        ...(NextToken ? { NextToken } : {}),
      });
      const found = await callDependency("CloudWatch DescribeAlarms", () =>
        options.client.send(command),
      );
      const alarms = [...(found.MetricAlarms ?? []), ...(found.CompositeAlarms ?? [])];
      items.push(...alarms.flatMap((alarm) => viewOf(alarm, options.prefix)));
      NextToken = found.NextToken;
      if (NextToken === undefined) break;
    }
    const rank = ({ state, severity }: AlarmView) =>
      `${order.indexOf(state)}${severity === "page" ? 0 : 1}`;
    return {
      isAvailable: true,
      items: items.sort((one, other) => (rank(one) < rank(other) ? -1 : 1)),
    };
  };
}

interface FoundAlarm {
  AlarmName?: string | undefined;
  AlarmDescription?: string | undefined;
  StateValue?: string | undefined;
  StateReason?: string | undefined;
  StateTransitionedTimestamp?: Date | undefined;
}

function viewOf(alarm: FoundAlarm, prefix: string): AlarmView[] {
  const { AlarmName = "", AlarmDescription = "", StateValue, StateReason } = alarm;
  const [, severity = "", description = "", runbook] = DESCRIPTION.exec(AlarmDescription) ?? [];
  const since = alarm.StateTransitionedTimestamp;
  // An alarm of another stack whose name begins the same has none of our descriptions, and one that
  // notifies nobody has no severity.
  if (severity !== "page" && severity !== "ticket") return [];
  return [
    {
      name: AlarmName.slice(prefix.length),
      state: StateValue === "ALARM" || StateValue === "OK" ? StateValue : "INSUFFICIENT_DATA",
      severity,
      description,
      ...(since ? { since: since.toISOString() } : {}),
      ...(StateReason ? { reason: StateReason } : {}),
      ...(runbook ? { runbook } : {}),
    },
  ];
}
