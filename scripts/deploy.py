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
        self.assertEqual(len(alarms), 11)
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
        expected = {name: one["Type"] for name, one in template()["Resources"].items() if name not in ("AlarmSubscription", "SnapshotAgeAlarm")}
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
        snake = lambda name: re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
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
        text = (DEPLOY / "terraform" / "main.tf").read_text()
        for alarm in [one["Properties"] for one in template()["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]:
            sentence = alarm["AlarmDescription"]
            for name in FUNCTIONS:
                sentence = sentence.replace(f"The {name} failed", "The ${each.key} failed").replace(f"The {name} has", "The ${each.key} has").replace(f"The {name} saw", "The ${each.key} saw")
            self.assertIn(sentence, text)


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
