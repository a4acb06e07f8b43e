import { type App, Stack } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { AlarmsProps } from "./ackwire-props.ts";
import type { Config } from "./config.ts";
import { Ackwire } from "./constructs/ackwire.ts";
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
    new Ackwire(this, "Ackwire", {
      settings,
      retainData,
      businessClock,
      providerBaseUrls: JSON.parse(providerBaseUrls) as Record<string, string>,
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
}
