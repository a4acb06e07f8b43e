import { type App, CfnOutput, Stack } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { Config } from "./config.ts";
import { Ackwire, type AlarmsProps } from "./constructs/ackwire.ts";
import { configMetadataKey, deployedConfig } from "./deployed-config.ts";

/** One stage of Ackwire as a stack, for any account and region. */
export class AckwireStack extends Stack {
  constructor(app: App, config: Config) {
    const { stage, settings, retainData, businessClock, providerBaseUrls, webhookTargets } = config;
    const { alarms, rollout, customDomain, tracing, console } = config;
    super(app, `ackwire-${stage}`, {
      description: `Ackwire, stage ${stage}`,
      terminationProtection: retainData,
    });
    const ackwire = new Ackwire(this, "Ackwire", {
      settings,
      retainData,
      businessClock,
      providerBaseUrls,
      webhookTargets,
      consoleUrl: config.consoleUrl,
      rollout,
      tracing,
      console,
      alarms: alarms === undefined ? "off" : this.#alarms(alarms),
      customDomain: customDomain && {
        domainName: customDomain.domainName,
        certificate: Certificate.fromCertificateArn(
          this,
          "Certificate",
          customDomain.certificateArn,
        ),
      },
    });
    // What `npm run diff` compares: the values of settings are not all in the template as such.
    this.templateOptions.metadata = { [configMetadataKey]: deployedConfig(config) };
    this.#outputs(ackwire);
  }

  #alarms({ pageTopicArn, ticketTopicArn, ...others }: NonNullable<Config["alarms"]>): AlarmsProps {
    const topic = (id: string, arn: string | undefined) =>
      arn === undefined ? undefined : Topic.fromTopicArn(this, id, arn);
    return {
      ...others,
      pageTopic: topic("PageTopic", pageTopicArn),
      ticketTopic: topic("TicketTopic", ticketTopicArn),
    };
  }

  /** The outputs that users, the CLI and the local run read. The keys are frozen. */
  #outputs({ bus, alarmTopics, parts: { stores, publicApi, consoleUrl } }: Ackwire): void {
    const outputs = {
      ApiUrl: publicApi.url,
      BusName: bus.eventBusName,
      InboundQueueUrl: stores.inbound.queue.queueUrl,
      InboundDlqUrl: stores.inbound.deadLetters.queueUrl,
      SubmitQueueUrl: stores.submit.queue.queueUrl,
      SubmitDlqUrl: stores.submit.deadLetters.queueUrl,
      RequestScheduleDlqUrl: stores.schedules.deadLetters.queueUrl,
      FanoutQueueUrl: stores.fanout.queue.queueUrl,
      FanoutDlqUrl: stores.fanout.deadLetters.queueUrl,
      AttemptsQueueUrl: stores.attempts.queue.queueUrl,
      AttemptsDlqUrl: stores.attempts.deadLetters.queueUrl,
      RetriesQueueUrl: stores.retries.queue.queueUrl,
      RetriesDlqUrl: stores.retries.deadLetters.queueUrl,
      RequestsTableName: stores.requests.table.tableName,
      EventsTableName: stores.events.table.tableName,
      DeliveriesTableName: stores.deliveries.table.tableName,
      BodiesBucketName: stores.bodies.bucket.bucketName,
      ConfigTableName: stores.config.table.tableName,
      AuditTableName: stores.audit.table.tableName,
      MasterSecretArn: stores.masterSecret.secret.secretArn,
      ...(alarmTopics && {
        AlarmTopicArn: alarmTopics.page.topicArn,
        TicketTopicArn: alarmTopics.ticket.topicArn,
      }),
      ...(consoleUrl === undefined ? {} : { ConsoleUrl: consoleUrl }),
      ...(publicApi.domainTarget === undefined ? {} : { ApiDomainTarget: publicApi.domainTarget }),
    };
    for (const [key, value] of Object.entries(outputs)) new CfnOutput(this, key, { value });
  }
}
