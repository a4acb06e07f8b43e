import {
  Alarm,
  AlarmRule as AlarmCondition,
  AlarmState,
  AlarmStatusWidget,
  ComparisonOperator,
  CompositeAlarm,
  Dashboard,
  GraphWidget,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { AlarmRule, Monitored } from "./alarm-rule.ts";
import { alarmCatalogue } from "./alarms.ts";

/** The dashboard's width in CloudWatch's grid, and of one of its graphs. */
const FULL_WIDTH = 24;
const GRAPH_WIDTH = 8;

export interface MonitoringProps {
  monitored: Monitored;
  /** Who is notified when an alarm starts and when it ends. Absent: there are no alarms. */
  notified?: { topics: Record<AlarmRule["severity"], ITopic>; runbookBaseUrl: string } | undefined;
}

/**
 * Every alarm of the catalogue, an alarm that is raised while any alarm of the severity `page` is,
 * and a dashboard with a graph of each alarm's metric.
 */
export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, { monitored, notified }: MonitoringProps) {
    super(scope, id);
    const alarms = new Map(
      notified &&
        alarmCatalogue.map((rule) => {
          const alarm = this.#alarm(rule, monitored, notified.runbookBaseUrl);
          const action = new SnsAction(notified.topics[rule.severity]);
          alarm.addAlarmAction(action);
          alarm.addOkAction(action);
          return [rule, alarm];
        }),
    );
    if (notified) this.#anyPage(monitored.stack, alarms);
    const graphs = alarmCatalogue.map((rule) => {
      const alarm = alarms.get(rule);
      return new GraphWidget({
        title: rule.id,
        width: GRAPH_WIDTH,
        left: [rule.metric(monitored)],
        ...(alarm === undefined ? {} : { leftAnnotations: [alarm.toAnnotation()] }),
      });
    });
    const states = new AlarmStatusWidget({
      title: "Alarms",
      alarms: [...alarms.values()],
      width: FULL_WIDTH,
    });
    new Dashboard(this, "Dashboard", { widgets: notified ? [[states], graphs] : [graphs] });
  }

  /**
   * The state of the stage in one alarm, for a status page or a deployment that watches it. It
   * notifies nobody, because the alarms that it combines do.
   */
  #anyPage(stack: string, alarms: ReadonlyMap<AlarmRule, Alarm>): void {
    const pages = [...alarms].filter(([{ severity }]) => severity === "page");
    new CompositeAlarm(this, "AnyPage", {
      compositeAlarmName: `${stack}-any-page`,
      alarmDescription: "Raised while any alarm of this stage whose severity is page is raised.",
      alarmRule: AlarmCondition.anyOf(
        ...pages.map(([, alarm]) => AlarmCondition.fromAlarm(alarm, AlarmState.ALARM)),
      ),
    });
  }

  #alarm(rule: AlarmRule, monitored: Monitored, runbookBaseUrl: string): Alarm {
    const { breaching, evaluated } = rule.datapoints ?? { breaching: 1, evaluated: 1 };
    return new Alarm(this, rule.id, {
      alarmName: `${monitored.stack}-${rule.id}`,
      alarmDescription: `${rule.severity}: ${rule.impact} Runbook: ${runbookBaseUrl}/${rule.id}.md`,
      metric: rule.metric(monitored),
      threshold: rule.threshold,
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
}
