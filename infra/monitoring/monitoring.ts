import {
  Alarm,
  AlarmRule as AlarmCondition,
  AlarmState,
  ComparisonOperator,
  CompositeAlarm,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { CfnQueryDefinition } from "aws-cdk-lib/aws-logs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { Settings } from "../../shared/contracts/settings.ts";
import { ConfigurationError } from "../configuration-error.ts";
import type { AlarmRule, Monitored } from "./alarm-rule.ts";
import { alarmCatalogue } from "./alarms.ts";
import { addDashboard } from "./dashboard.ts";
import { savedQueries } from "./queries.ts";
import { type BurnRateRule, burnRateCatalogue, burnThreshold } from "./slo.ts";

export interface MonitoringProps {
  settings: Settings;
  monitored: Monitored;
  /** Who is notified when an alarm starts and when it ends. Absent: there are no alarms. */
  notified?: Notified | undefined;
}

interface Notified {
  topics: Record<AlarmRule["severity"], ITopic>;
  runbookBaseUrl: string;
  /** By the alarm's id, in place of those of the catalogue. */
  thresholds: Readonly<Record<string, number>>;
}

/** What a description says of an alarm. */
type Described = Pick<AlarmRule, "id" | "severity" | "impact">;

/**
 * Every alarm of the catalogues, an alarm that is raised while any alarm of the severity `page` is,
 * the stage's dashboard, and the queries that Logs Insights offers.
 */
export class Monitoring extends Construct {
  readonly #props: MonitoringProps;

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    this.#props = props;
    const { settings, monitored, notified } = props;
    const alarms = notified ? this.#alarms(notified) : [];
    addDashboard(this, { settings, monitored, alarms });
    for (const { name, logs, lines } of savedQueries) {
      new CfnQueryDefinition(this, `Query ${name}`, {
        name: `${monitored.stack}/${name}`,
        queryString: lines.join("\n| "),
        logGroupNames: logs.map((one) => monitored.logGroups[one].logGroupName),
      });
    }
  }

  #alarms(notified: Notified): (Alarm | CompositeAlarm)[] {
    refuseUnknown(notified.thresholds);
    const described = [
      ...alarmCatalogue.map((rule) => ({ rule, alarm: this.#alarm(rule, notified) })),
      ...burnRateCatalogue.map((rule) => ({ rule, alarm: this.#burnRateAlarm(rule, notified) })),
    ];
    for (const { rule, alarm } of described) {
      const action = new SnsAction(notified.topics[rule.severity]);
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
    this.#anyPage(described.flatMap(({ rule, alarm }) => (rule.severity === "page" ? alarm : [])));
    return described.map(({ alarm }) => alarm);
  }

  /**
   * The state of the stage in one alarm, for a status page or a deployment that watches it. It
   * notifies nobody, because the alarms that it combines do.
   */
  #anyPage(pages: readonly (Alarm | CompositeAlarm)[]): void {
    new CompositeAlarm(this, "AnyPage", {
      compositeAlarmName: `${this.#props.monitored.stack}-any-page`,
      alarmDescription: "Raised while any alarm of this stage whose severity is page is raised.",
      alarmRule: AlarmCondition.anyOf(
        ...pages.map((alarm) => AlarmCondition.fromAlarm(alarm, AlarmState.ALARM)),
      ),
    });
  }

  #alarm(rule: AlarmRule, notified: Notified): Alarm {
    const { monitored } = this.#props;
    const { breaching, evaluated } = rule.datapoints ?? { breaching: 1, evaluated: 1 };
    return new Alarm(this, rule.id, {
      alarmName: `${monitored.stack}-${rule.id}`,
      alarmDescription: this.#description(rule, notified),
      metric: rule.metric(monitored),
      threshold: notified.thresholds[rule.id] ?? rule.threshold,
      comparisonOperator:
        rule.below === true
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_THRESHOLD,
      datapointsToAlarm: breaching,
      evaluationPeriods: evaluated,
      treatMissingData:
        rule.treatMissingAsBreaching === true
          ? TreatMissingData.BREACHING
          : TreatMissingData.NOT_BREACHING,
    });
  }

  /** CloudWatch has one period per alarm: each window is an alarm that notifies nobody. */
  #burnRateAlarm(rule: BurnRateRule, notified: Notified): CompositeAlarm {
    const { settings, monitored } = this.#props;
    const inWindow = Object.entries(rule.windows).map(
      ([name, window]) =>
        new Alarm(this, `${rule.id}-${name}`, {
          alarmName: `${monitored.stack}-${rule.id}-${name}-window`,
          alarmDescription: `One of the two windows of ${monitored.stack}-${rule.id}.`,
          metric: rule.slo.missed(monitored, settings, window),
          threshold: burnThreshold(rule, settings),
          comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
          evaluationPeriods: 1,
          treatMissingData: TreatMissingData.NOT_BREACHING,
        }),
    );
    return new CompositeAlarm(this, rule.id, {
      compositeAlarmName: `${monitored.stack}-${rule.id}`,
      alarmDescription: this.#description(rule, notified),
      alarmRule: AlarmCondition.allOf(
        ...inWindow.map((alarm) => AlarmCondition.fromAlarm(alarm, AlarmState.ALARM)),
      ),
    });
  }

  #description({ id, severity, impact }: Described, { runbookBaseUrl }: Notified): string {
    return `${severity}: ${impact} Runbook: ${runbookBaseUrl}/${id}.md`;
  }
}

/** @throws ConfigurationError for the threshold of an alarm that does not exist or has none of its own */
function refuseUnknown(thresholds: Notified["thresholds"]): void {
  const ids = alarmCatalogue.map(({ id }) => id);
  const problems = Object.entries(thresholds).flatMap(([id, threshold]) => {
    if (!ids.includes(id)) return `alarms.thresholds: no alarm ${id}; there are ${ids.join(", ")}`;
    if (!Number.isFinite(threshold)) return `alarms.thresholds: ${id}: got ${threshold}`;
    return [];
  });
  if (problems.length > 0) throw new ConfigurationError(problems);
}
