import { Stack } from "aws-cdk-lib";
import {
  Alarm,
  AlarmStatusWidget,
  ComparisonOperator,
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
  /** Notified when an alarm starts and when it ends. */
  topic: ITopic;
}

/** Every alarm of the catalogue, and a dashboard with a graph of each. */
export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, { monitored, topic }: MonitoringProps) {
    super(scope, id);
    const action = new SnsAction(topic);
    const alarms = alarmCatalogue.map((rule) => {
      const alarm = this.#alarm(rule, monitored);
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
      return alarm;
    });
    const graphs = alarmCatalogue.map((rule, index) => {
      const alarm = alarms[index];
      return new GraphWidget({
        title: rule.id,
        width: GRAPH_WIDTH,
        left: [rule.metric(monitored)],
        ...(alarm === undefined ? {} : { leftAnnotations: [alarm.toAnnotation()] }),
      });
    });
    new Dashboard(this, "Dashboard", {
      widgets: [[new AlarmStatusWidget({ title: "Alarms", alarms, width: FULL_WIDTH })], graphs],
    });
  }

  #alarm(rule: AlarmRule, monitored: Monitored): Alarm {
    const { breaching, evaluated } = rule.datapoints ?? { breaching: 1, evaluated: 1 };
    return new Alarm(this, rule.id, {
      alarmName: `${Stack.of(this).stackName}-${rule.id}`,
      alarmDescription: `${rule.severity}: ${rule.impact} Runbook: docs/runbooks/${rule.id}.md`,
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
