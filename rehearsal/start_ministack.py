"""Starts MiniStack 1.5.33 with what the stack needs and MiniStack lacks.

Each change here stands for a difference from AWS that docs/rehearsal.md lists. All of them are made
in MiniStack's process when it starts: the product and its template stay as they are deployed to AWS.
"""

import json
import threading

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.cloudwatch as cloudwatch
import ministack.services.dynamodb as dynamodb
import ministack.services.eventbridge as eventbridge
from ministack.app import main


def archive_properties(name, properties):
    return {
        "ArchiveName": name,
        "EventSourceArn": properties["SourceArn"],
        "Description": properties.get("Description", ""),
        "EventPattern": as_json(properties.get("EventPattern")),
        "RetentionDays": int(properties.get("RetentionDays", 0)),
    }


def as_json(pattern):
    return pattern if isinstance(pattern, str) else json.dumps(pattern or {})


def checked(response):
    status, _headers, body = response
    if status >= 400:
        raise ValueError(f"refused by the service: {body!r}")


def create_archive(logical_id, properties, stack_name):
    name = properties.get("ArchiveName") or provisioners._physical_name(
        stack_name, logical_id, max_len=48
    )
    checked(eventbridge._create_archive(archive_properties(name, properties)))
    arn = eventbridge._archives[name]["ArchiveArn"]
    return name, {"Arn": arn, "ArchiveName": name}


def update_archive(name, _old, properties, _stack_name):
    checked(eventbridge._update_archive(archive_properties(name, properties)))
    return name, {"Arn": eventbridge._archives[name]["ArchiveArn"], "ArchiveName": name}


def delete_archive(name, _properties):
    if name in eventbridge._archives:
        checked(eventbridge._delete_archive({"ArchiveName": name}))


# CloudFormation creates the archive of a bus.
provisioners._RESOURCE_HANDLERS["AWS::Events::Archive"] = {
    "create": create_archive,
    "update": update_archive,
    "delete": delete_archive,
}


# CloudFormation creates a statement of a bus's policy. The identity policies of the rehearsal allow
# everything, so that MiniStack evaluates none.
def put_bus_policy(statement_id, properties):
    bus = properties.get("EventBusName", "default")
    statement = properties.get("Statement") or {}
    checked(eventbridge._put_permission({"EventBusName": bus, "StatementId": statement_id}))
    stored = eventbridge._event_bus_policies[bus]["Statement"]
    stored[-1] = {**stored[-1], **statement, "Sid": statement_id}
    return statement_id, {}


provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
    "create": lambda _id, properties, _stack: put_bus_policy(properties["StatementId"], properties),
    "update": lambda physical_id, _old, properties, _stack: put_bus_policy(physical_id, properties),
    "delete": lambda physical_id, properties: checked(
        eventbridge._remove_permission(
            {"EventBusName": properties.get("EventBusName", "default"), "StatementId": physical_id}
        )
    ),
}


# CloudFormation creates a composite alarm.
def put_composite_alarm(name, properties):
    checked(cloudwatch._put_composite_alarm({}, {**properties, "AlarmName": name}, False, True))
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::CompositeAlarm"] = {
    "create": lambda _id, properties, _stack: put_composite_alarm(
        properties["AlarmName"], properties
    ),
    "update": lambda physical_id, _old, properties, _stack: put_composite_alarm(
        physical_id, properties
    ),
    "delete": lambda physical_id, _properties: checked(
        cloudwatch._delete_alarms({}, {"AlarmNames": [physical_id]}, False, True)
    ),
}


# CloudFormation creates a saved query. MiniStack's Logs does not keep it: run.ts reports that.
provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {
    "create": lambda _id, properties, _stack: (properties["Name"], {}),
    "update": lambda _id, _old, properties, _stack: (properties["Name"], {}),
    "delete": lambda _id, _properties: None,
}


# An alarm with metric math is created on its first metric.
metric_alarm_record = provisioners._cw_metric_alarm_record


def record_of_first_metric(name, properties):
    if properties.get("Metrics"):
        stat = next(one["MetricStat"] for one in properties["Metrics"] if "MetricStat" in one)
        properties = {
            **{key: value for key, value in properties.items() if key != "Metrics"},
            "MetricName": stat["Metric"]["MetricName"],
            "Namespace": stat["Metric"]["Namespace"],
            "Dimensions": stat["Metric"].get("Dimensions", []),
            "Period": stat["Period"],
            "Statistic": stat["Stat"],
        }
    return metric_alarm_record(name, properties)


provisioners._cw_metric_alarm_record = record_of_first_metric


# A query of a local index with Select ALL_ATTRIBUTES returns whole items.
asked = threading.local()
query = dynamodb._query
apply_index_projection = dynamodb._apply_index_projection


def query_with_select(data):
    asked.whole_items = data.get("Select") == "ALL_ATTRIBUTES"
    try:
        return query(data)
    finally:
        asked.whole_items = False


def projection_with_select(item, table, index_name):
    if getattr(asked, "whole_items", False):
        return item
    return apply_index_projection(item, table, index_name)


dynamodb._query = query_with_select
dynamodb._apply_index_projection = projection_with_select


# The Ref of a secret is its ARN.
def name_of(physical_id):
    return next(
        (name for name, secret in provisioners._sm._secrets.items() if secret["ARN"] == physical_id),
        physical_id,
    )


def with_arn(result):
    _name, attributes = result
    return attributes["Arn"], attributes


secret = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"] = {
    **secret,
    "create": lambda *args: with_arn(secret["create"](*args)),
    "update": lambda physical_id, *args, **named: with_arn(
        secret["update"](name_of(physical_id), *args, **named)
    ),
    "delete": lambda physical_id, properties: secret["delete"](name_of(physical_id), properties),
}

if __name__ == "__main__":
    main()
