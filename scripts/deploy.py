"""What deploy/ has, as far as it can be held without AWS: run by scripts/interop.

The template is read by cfn-lint and taken by moto's CloudFormation; its policies are those that the embedded EC2 evaluates
(deploy/policies); the Terraform module has the template's parameters, and attributes that its provider knows. Terraform
itself is not run.

    deploy.py --write-attributes @cdktf-provider-aws.tgz    writes testdata/terraform-attributes.json anew
"""

import importlib.resources
import io
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import unittest
import zipfile

import boto3
import hcl2
import yaml
from moto import mock_aws

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPLOY, TESTDATA = ROOT / "deploy", ROOT / "testdata"
TEMPLATE = DEPLOY / "snapwarden.yaml"
ATTRIBUTES = TESTDATA / "terraform-attributes.json"
FUNCTIONS = ["creator", "offsiter", "manager"]
# What the functions may do beyond the predecessor's role; docs/permissions.md says why.
BEYOND = {"ec2:CreateSnapshots", "ec2:DescribeRegions"}


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their long ones."""


def short_form(loader, name, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", short_form)


def template():
    return yaml.load(TEMPLATE.read_text(), Loader)


def resolved(value):
    """The value with Fn::Sub carried out for the partition aws."""
    if isinstance(value, dict):
        if set(value) == {"Fn::Sub"}:
            return value["Fn::Sub"].replace("${AWS::Partition}", "aws")
        return {key: resolved(one) for key, one in value.items()}
    if isinstance(value, list):
        return [resolved(one) for one in value]
    return value


def listed(value):
    return value if isinstance(value, list) else [value]


def actions(statements):
    return {action for statement in statements for action in listed(statement["Action"])}


def document(name):
    return json.loads((DEPLOY / "policies" / f"{name}.json").read_text())


def snake(name):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class Template(unittest.TestCase):
    def test_cfn_lint_has_nothing_to_say(self):
        program = pathlib.Path(sys.executable).parent / "cfn-lint"
        done = subprocess.run([program, "--include-checks", "I", "--", TEMPLATE], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_its_policies_are_those_that_the_embedded_ec2_evaluates(self):
        resources = template()["Resources"]
        for name in FUNCTIONS:
            policies = {one["PolicyName"]: one["PolicyDocument"] for one in resources[f"{name.capitalize()}Role"]["Properties"]["Policies"]}
            self.assertEqual(resolved(policies.pop(name)), document(name))
            rest = {"log", "keys"} if name == "offsiter" else {"log"}
            self.assertEqual(set(policies), rest, "nothing else is allowed")
            ec2 = [action for policy in policies.values() for action in actions(policy["Statement"]) if action.startswith("ec2:")]
            self.assertEqual(ec2, [])

    def test_no_function_may_do_more_than_the_predecessor_and_what_is_explained(self):
        predecessor = actions(json.loads((TESTDATA / "predecessor-role.json").read_text())["Statement"])
        for name in FUNCTIONS:
            self.assertLessEqual(actions(document(name)["Statement"]), predecessor | BEYOND)

    def test_there_is_no_retry_and_no_overlap(self):
        resources, parameters = template()["Resources"], template()["Parameters"]
        minutes = {"creator": 15, "offsiter": 10, "manager": 60}
        for name in FUNCTIONS:
            title = name.capitalize()
            config = resources[f"{title}NoRetries"]["Properties"]
            self.assertEqual((config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]), (0, 60))
            retry = resources[f"{title}Schedule"]["Properties"]["Target"]["RetryPolicy"]
            self.assertEqual(retry, {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60})
            tick = parameters[f"{title}Tick"]["Default"]
            self.assertIn(tick, (f"rate({minutes[name]} minutes)", f"rate({minutes[name] // 60} hour)"))
            timeout = parameters[f"{title}TimeoutSeconds"]["Default"]
            self.assertLessEqual(timeout, minutes[name] * 60 - 180, "a run ends three minutes before the next begins")
        self.assertEqual(parameters["Mode"]["Default"], "DryRun")

    def test_the_alarms_say_where_to_read_on(self):
        titles = re.findall(r"^## (.*)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
        alarms = [one["Properties"] for one in template()["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
        self.assertEqual(len(alarms), 12)
        for alarm in alarms:
            title = alarm["AlarmDescription"].split("docs/operations.md: ")[1]
            self.assertIn(title, titles)

    def test_the_documents_have_its_parameters(self):
        page = (ROOT / "docs/deploy.md").read_text()
        for name, parameter in template()["Parameters"].items():
            default = parameter.get("Default")
            shown = "none: name it" if default is None else f"`{default}`" if default != "" else "empty"
            self.assertIn(f"| `{name}` | {shown} | {parameter['Description']} |\n", page)

    def test_the_documents_have_each_word_of_failure(self):
        page = (ROOT / "docs/operations.md").read_text()
        words = set(re.findall(r'"(Snapwarden\.\w+)"', (ROOT / "crates/lambda/src/invoke.rs").read_text()))
        self.assertGreater(len(words), 5)
        self.assertEqual(words, set(re.findall(r"^\| `(Snapwarden\.\w+)` \|", page, re.MULTILINE)))

    def test_it_can_be_given_to_cloudformation_as_it_is(self):
        self.assertLessEqual(len(TEMPLATE.read_bytes()), 51_200, "the longest --template-body")

    def test_its_metrics_and_settings_are_those_of_the_functions(self):
        source = (ROOT / "crates/lambda/src/metrics.rs").read_text() + (ROOT / "crates/lambda/src/settings.rs").read_text()
        text = TEMPLATE.read_text()
        for metric in re.findall(r"Namespace: Snapwarden\n\s+MetricName: (\w+)", text):
            self.assertIn(f'"{metric}"', source)
        settings = set(re.findall(r"\b(SNAPWARDEN_\w+):", text))
        self.assertEqual(settings, set(re.findall(r'"(SNAPWARDEN_\w+)"', source)), "each setting is set, and each is read")


class Resources(unittest.TestCase):
    def test_the_resources_of_each_action_are_awss(self):
        """The embedded EC2 asks for permissions on the resources that AWS publishes, as cfn-lint ships them."""
        ours = json.loads((TESTDATA / "ec2-resources.json").read_text())
        path = importlib.resources.files("cfnlint") / "data/AdditionalSpecs/Policies.json"
        published = {name.lower(): one for name, one in json.loads(path.read_text())["ec2"]["Actions"].items()}
        for action, kinds in ours.items():
            theirs = published[action.lower()].get("Resources", []) if published[action.lower()] else []
            if action == "CreateTags":
                self.assertLessEqual(set(kinds), set(theirs), "anything can be tagged; ours tags snapshots")
            else:
                self.assertEqual(set(kinds), set(theirs), action)
        for name in FUNCTIONS:
            for action in actions(document(name)["Statement"]):
                self.assertIn(action.removeprefix("ec2:").lower(), published)


class Moto(unittest.TestCase):
    """moto makes part of it: what it does not know it skips, and that is named here so that nobody takes it for tried."""

    SKIPPED = {"AWS::CloudWatch::Alarm", "AWS::Scheduler::Schedule", "AWS::SNS::TopicPolicy", "AWS::Lambda::EventInvokeConfig"}

    def create(self, **parameters):
        s3 = boto3.client("s3", region_name="eu-west-1")
        s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("bootstrap", "#!/bin/sh\n")
        for name in FUNCTIONS:
            s3.put_object(Bucket="code", Key=f"0.1.0/{name}.zip", Body=data.getvalue())
        cloudformation = boto3.client("cloudformation", region_name="eu-west-1")
        given = {"CodeBucket": "code", "CodePrefix": "0.1.0/", **parameters}
        cloudformation.create_stack(
            StackName="snapwarden",
            TemplateBody=TEMPLATE.read_text(),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        )
        made = cloudformation.describe_stack_resources(StackName="snapwarden")["StackResources"]
        # A resource that moto skipped has an entry without a name.
        return {one["LogicalResourceId"]: one["ResourceType"] for one in made if "LogicalResourceId" in one}

    def variables(self, name):
        lambdas = boto3.client("lambda", region_name="eu-west-1")
        variables = lambdas.get_function_configuration(FunctionName=f"snapwarden-{name}")["Environment"]["Variables"]
        return {name: str(value) for name, value in variables.items()}

    @mock_aws
    def test_a_new_stack_is_in_dry_run_and_has_everything(self):
        made = self.create()
        expected = {name: one["Type"] for name, one in template()["Resources"].items() if name not in ("AlarmSubscription", "BackupLateAlarm")}
        skipped = {name: kind for name, kind in expected.items() if name not in made}
        self.assertEqual(set(skipped.values()), self.SKIPPED)
        self.assertEqual(made, {name: kind for name, kind in expected.items() if kind not in self.SKIPPED})
        for name in FUNCTIONS:
            self.assertEqual(self.variables(name)["SNAPWARDEN_MODE"], "dry-run")
        roles = boto3.client("iam").list_roles()["Roles"]
        (role,) = [one["RoleName"] for one in roles if "ManagerRole" in one["RoleName"]]
        policy = boto3.client("iam").get_role_policy(RoleName=role, PolicyName="manager")["PolicyDocument"]
        self.assertEqual(yaml.safe_load(policy), document("manager"), "moto keeps it as Python prints it")

    @mock_aws
    def test_apply_is_one_parameter(self):
        self.create(Mode="Apply", AllMetrics="yes", RetentionDays="30")
        self.assertEqual(self.variables("creator")["SNAPWARDEN_MODE"], "apply")
        self.assertEqual(self.variables("creator")["SNAPWARDEN_METRICS"], "all")
        self.assertEqual(self.variables("creator")["SNAPWARDEN_RETENTION_DAYS"], "30")

    @mock_aws
    def test_a_stack_may_have_some_of_the_functions(self):
        made = self.create(Functions="creator-and-offsiter")
        self.assertIn("CreatorFunction", made)
        self.assertEqual([name for name in made if name.startswith("Manager")], [])
        roles = boto3.client("iam").list_roles()["Roles"]
        (role,) = [one["RoleName"] for one in roles if "TickRole" in one["RoleName"]]
        policy = boto3.client("iam").get_role_policy(RoleName=role, PolicyName="tick")["PolicyDocument"]
        (statement,) = yaml.safe_load(policy)["Statement"]
        # CloudFormation leaves AWS::NoValue out of a list; moto puts a None there.
        ticked = [arn.rpartition(":")[2] for arn in statement["Resource"] if arn != "None"]
        self.assertEqual(ticked, ["snapwarden-creator", "snapwarden-offsiter"], "the schedules invoke nothing else")


class Terraform(unittest.TestCase):
    def blocks(self, kind):
        """The blocks of a kind in all files, as (labels, body)."""
        found = []
        for path in sorted((DEPLOY / "terraform").glob("*.tf")):
            for block in hcl2.loads(path.read_text()).get(kind, []):
                labels = []
                body = block
                while len(body) == 1 or (labels == [] and kind in ("variable", "resource")):
                    ((label, inner),) = [(k, v) for k, v in body.items() if not k.startswith("__")][:1]
                    labels.append(label.strip('"'))
                    body = inner
                    if len(labels) == (2 if kind == "resource" else 1):
                        break
                found.append((labels, body))
        return found

    def test_its_variables_are_the_templates_parameters(self):
        parameters = {snake(name): one for name, one in template()["Parameters"].items()}
        variables = {labels[0]: body for labels, body in self.blocks("variable")}
        self.assertEqual(set(variables) - {"name"}, set(parameters))
        for name, parameter in parameters.items():
            variable = variables[name]
            self.assertEqual(variable["description"].strip('"'), parameter["Description"], name)
            default = variable.get("default")
            if isinstance(default, str):
                default = default.strip('"')
            if isinstance(default, list):
                default = ",".join(one.strip('"') for one in default)
            if isinstance(default, bool):
                default = "yes" if default else "no"
            self.assertEqual(default, parameter.get("Default"), name)

    def test_its_attributes_are_those_of_its_provider(self):
        known = json.loads(ATTRIBUTES.read_text())["attributes"]
        seen = 0
        for (kind, _), body in self.blocks("resource"):
            for name in names(body):
                seen += 1
                self.assertIn(name, known[kind] + ["for_each", "count"], f"{kind} has no {name}")
        self.assertGreater(seen, 100)

    def test_it_makes_what_the_template_makes(self):
        types = {
            "aws_sns_topic": "AWS::SNS::Topic",
            "aws_sns_topic_policy": "AWS::SNS::TopicPolicy",
            "aws_sns_topic_subscription": "AWS::SNS::Subscription",
            "aws_iam_role": "AWS::IAM::Role",
            "aws_cloudwatch_log_group": "AWS::Logs::LogGroup",
            "aws_lambda_function": "AWS::Lambda::Function",
            "aws_lambda_function_event_invoke_config": "AWS::Lambda::EventInvokeConfig",
            "aws_scheduler_schedule": "AWS::Scheduler::Schedule",
            "aws_cloudwatch_metric_alarm": "AWS::CloudWatch::Alarm",
        }
        made = {labels[0] for labels, _ in self.blocks("resource")} - {"aws_iam_role_policy"}
        self.assertEqual({types[one] for one in made}, {one["Type"] for one in template()["Resources"].values()})

    def resources(self, kind):
        """The resources of a kind by name; one for each function is there for each, as `name-function`."""
        made = {}
        for (one, name), body in self.blocks("resource"):
            if one != kind:
                continue
            body = plain(body)
            each = FUNCTIONS if body.pop("for_each", None) == "${local.functions}" else []
            made.update({f"{name}-{function}": for_function(body, function) for function in each} or {name: body})
        return made

    def test_its_alarms_are_the_templates(self):
        alarms = {}
        for alarm in self.resources("aws_cloudwatch_metric_alarm").values():
            alarm.pop("count", None)
            alarms[alarm["alarm_name"]] = alarm
        theirs = [one["Properties"] for one in template()["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
        self.assertEqual(alarms, {alarm["alarm_name"]: alarm for alarm in map(alarm_as_terraform, theirs)})

    def test_its_functions_stop_and_its_ticks_come_as_the_templates(self):
        (local,) = [body for _, body in self.blocks("locals")]
        of_function = plain(local["of_function"])
        functions, schedules = self.resources("aws_lambda_function"), self.resources("aws_scheduler_schedule")
        configs = self.resources("aws_lambda_function_event_invoke_config")
        for name in FUNCTIONS:
            function, config, schedule = [
                as_terraform(template()["Resources"][f"{name.capitalize()}{what}"]["Properties"])
                for what in ("Function", "NoRetries", "Schedule")
            ]
            # What differs between the functions stands in one local.
            self.assertEqual(functions[f"function-{name}"]["timeout"], "${each.value.timeout}")
            self.assertEqual(of_function[name]["timeout"], function["timeout"])
            self.assertEqual(schedules[f"tick-{name}"]["schedule_expression"], "${each.value.tick}")
            self.assertEqual(of_function[name]["tick"], schedule["schedule_expression"])
            self.assertEqual(config.pop("qualifier"), "$LATEST", "what a name without a qualifier means")
            self.assertEqual(configs[f"no_retries-{name}"], config)
            (target,) = schedules[f"tick-{name}"]["target"]
            self.assertEqual(target["retry_policy"], [schedule["target"]["retry_policy"]])
            self.assertEqual(target["input"], schedule["target"]["input"])

    def test_its_policies_are_the_templates(self):
        ours, theirs = self.resources("aws_iam_role_policy"), template()["Resources"]
        expected = {"tick": theirs["TickRole"]}
        for name in FUNCTIONS:
            expected |= {f"{policy}-{name}": theirs[f"{name.capitalize()}Role"] for policy in ("job", "log")}
        expected["keys"] = theirs["OffsiterRole"]
        self.assertEqual(set(ours), set(expected), "nothing else is allowed")
        for label, role in expected.items():
            policy, _, function = label.partition("-")
            named = function if policy == "job" else policy
            (wanted,) = [one["PolicyDocument"] for one in role["Properties"]["Policies"] if one["PolicyName"] == named]
            self.assertEqual(ours[label]["name"], named)
            owner = "tick.id" if policy == "tick" else f'function["{function or "offsiter"}"].id'
            self.assertEqual(ours[label]["role"], f"${{aws_iam_role.{owner}}}")
            if policy == "job":
                self.assert_reads(ours[label]["policy"], DEPLOY / "policies" / f"{function}.json")
            else:
                self.assertEqual(json_encoded(ours[label]["policy"]), as_terraform(wanted, renamed=False), label)

    def assert_reads(self, expression, path):
        """That a policy is the file at `path`, with the partition of where it is deployed."""
        read = re.fullmatch(r'\$\{replace\(file\("\$\{path\.module\}/(.+)"\), "arn:aws:", "arn:\$\{data\.aws_partition\.current\.partition\}:"\)\}', expression)
        self.assertIsNotNone(read, expression)
        self.assertEqual((DEPLOY / "terraform" / read[1]).resolve(), path)
        self.assertTrue(path.is_file())


def plain(value):
    """A value as python-hcl2 reads it, without its quotes and marks."""
    if isinstance(value, dict):
        return {key.strip('"'): plain(one) for key, one in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def for_function(value, function):
    """A value of a resource that is there for each function, for one of them."""
    if isinstance(value, dict):
        return {key: for_function(one, function) for key, one in value.items()}
    if isinstance(value, list):
        return [for_function(one, function) for one in value]
    if isinstance(value, str):
        # In an expression of its own, or within one.
        value = function if value == "${each.key}" else value
        return value.replace("[each.key]", f'["{function}"]').replace("${each.key}", function)
    return value


def json_encoded(expression):
    """What an expression of the form `${jsonencode(…)}` encodes."""
    inner = re.fullmatch(r"\$\{jsonencode\((.*)\)\}", expression, re.DOTALL)[1]
    return plain(hcl2.loads(f"it = {inner}\n")["it"])


# What stands for the same thing on both sides: the template's, and the module's.
TOPIC = {"Fn::If": ["HasTopic", {"Ref": "AlarmTopic"}, {"Ref": "AlarmTopicArn"}]}
EACH_FUNCTION = [
    {"Fn::If": [f"Has{name.capitalize()}", {"Fn::GetAtt": f"{name.capitalize()}Function.Arn"}, {"Ref": "AWS::NoValue"}]}
    for name in FUNCTIONS
]


def as_terraform(value, renamed=True):
    """A value of the template as the module writes it; attributes are renamed, the keys of a policy are not."""
    if value == TOPIC:
        return "${local.topic}"
    if value == EACH_FUNCTION:
        return "${[for function in aws_lambda_function.function : function.arn]}"
    if isinstance(value, list):
        return [as_terraform(one, renamed) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        function = re.fullmatch(r"(\w+)Function", value["Ref"])
        named = f'aws_lambda_function.function["{function[1].lower()}"].function_name' if function else f"var.{snake(value['Ref'])}"
        return f"${{{named}}}"
    if set(value) == {"Fn::Sub"}:
        return value["Fn::Sub"].replace("${AWS::StackName}", "${var.name}")
    if set(value) == {"Fn::GetAtt"}:
        log = re.fullmatch(r"(\w+)Log\.Arn", value["Fn::GetAtt"])
        # CloudFormation's name of a log group ends in `:*`, Terraform's does not.
        return f'${{aws_cloudwatch_log_group.function["{log[1].lower()}"].arn}}:*' if log else value
    return {snake(key) if renamed else key: as_terraform(one, renamed) for key, one in value.items()}


def alarm_as_terraform(properties):
    """An alarm of the template as the module writes it."""
    alarm = as_terraform(properties)
    alarm["ok_actions"] = alarm.pop("okactions")
    if "dimensions" in alarm:
        alarm["dimensions"] = dimensions(alarm["dimensions"])
    for query in alarm.get("metrics", []):
        query.setdefault("return_data", True)
        if "metric_stat" in query:
            stat = query.pop("metric_stat")
            metric = stat.pop("metric")
            query["metric"] = [{**metric, **stat, "dimensions": dimensions(metric["dimensions"])}]
    if "metrics" in alarm:
        alarm["metric_query"] = alarm.pop("metrics")
    return alarm


def dimensions(pairs):
    return {pair["name"]: pair["value"] for pair in pairs}


def names(body):
    """The names of a block's attributes, those of the blocks inside it too; maps of the user's own keys are values."""
    maps = {"dimensions", "variables", "condition"}
    for name, value in body.items():
        if name.startswith("__"):
            continue
        yield name
        if name in maps:
            continue
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from names(inner)


def write_attributes(package):
    kinds = sorted({line.split('"')[1] for line in (DEPLOY / "terraform" / "main.tf").read_text().splitlines() if line.startswith("resource ")})
    attributes = {}
    with tarfile.open(package) as archive:
        version = json.load(archive.extractfile("package/package.json"))["version"]
        for kind in kinds:
            folder = kind.removeprefix("aws_").replace("_", "-")
            text = archive.extractfile(f"package/lib/{folder}/index.d.ts").read().decode()
            attributes[kind] = sorted(set(re.findall(rf"resources/{kind.removeprefix('aws_')}#([a-z0-9_]+)", text)))
    source = f"@cdktf/provider-aws {version}, by scripts/deploy.py --write-attributes"
    ATTRIBUTES.write_text(json.dumps({"source": source, "attributes": attributes}, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write-attributes"]:
        write_attributes(sys.argv[2])
    else:
        unittest.main()
