using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace HealthCode.Tidy.Tests;

/// <summary>What stands in <c>deploy/</c> cannot all be run here; so it is held against itself, and against the program that it starts.</summary>
public sealed partial class DeployTests
{
    private static readonly string Root = RepositoryTests.FindRoot();
    private static readonly string Deploy = Path.Combine(Root, "deploy");

    private static List<Yaml> Kubernetes => Yaml.ReadAll(Path.Combine(Deploy, "kubernetes/healthcode.yaml"));

    private static Yaml Compose => Yaml.ReadAll(Path.Combine(Deploy, "compose/compose.yaml")).Single();

    private static IEnumerable<string> Files(string pattern) => Directory.GetFiles(Deploy, pattern, SearchOption.AllDirectories);

    [Fact]
    public void Every_yaml_file_is_yaml() => Assert.All(Files("*.yaml"), file => Assert.NotEmpty(Yaml.ReadAll(file)));

    [Fact]
    public void Every_kubernetes_object_says_what_it_is_and_has_a_name_of_its_own()
    {
        Assert.All(Kubernetes, item => Assert.All(["apiVersion", "kind", "metadata/name"], field => Assert.True(item[field].IsThere, field)));
        Assert.Equal(Kubernetes.Count, Kubernetes.Select(item => (item["kind"].Text, item["metadata/name"].Text)).Distinct().Count());
        (string Kind, string Version, string Field)[] wanted =
        [
            ("StatefulSet", "apps/v1", "spec/template"), ("Service", "v1", "spec/ports"), ("PodDisruptionBudget", "policy/v1", "spec/selector"),
            ("NetworkPolicy", "networking.k8s.io/v1", "spec/podSelector"), ("PersistentVolumeClaim", "v1", "spec/accessModes"),
            ("ServiceAccount", "v1", "metadata"),
        ];
        Assert.All(wanted, kind => Assert.Contains(
            Kubernetes, item => item["kind"].Text == kind.Kind && item["apiVersion"].Text == kind.Version && item[kind.Field].IsThere));
        Assert.All(Kubernetes, item => Assert.Contains(wanted, kind => kind.Kind == item["kind"].Text));
    }

    [Fact]
    public void Selectors_ports_and_volumes_of_the_kubernetes_objects_belong_together()
    {
        var set = Kind("StatefulSet").Single();
        var (pod, container) = (set["spec/template"], set["spec/template/spec/containers"].Items.Single());
        var labels = pod["metadata/labels"].Entries.Select(label => (label.Key, label.Value.Text)).ToHashSet();
        Yaml[] selectors =
        [
            set["spec/selector/matchLabels"], .. Kind("Service").Select(service => service["spec/selector"]),
            .. Kind("PodDisruptionBudget").Select(budget => budget["spec/selector/matchLabels"]),
            .. Kubernetes.SelectMany(item => item.All("podSelector")).Select(selector => selector["matchLabels"]),
        ];
        Assert.All(selectors, selector => Assert.True(
            selector.Entries.Any() && selector.Entries.All(label => labels.Contains((label.Key, label.Value.Text))), "a selector that selects no pod"));

        var ports = container["ports"].Items.ToDictionary(port => port["name"].Text, port => port["containerPort"].Text);
        Assert.All(Kind("Service").SelectMany(service => service["spec/ports"].Items), port => Assert.Contains(port["targetPort"].Text, ports.Keys));
        Assert.All(container.All("httpGet"), probe => Assert.Contains(probe["port"].Text, ports.Keys));
        Assert.Equal(3, container.All("httpGet").Count());
        Assert.All(
            Kind("NetworkPolicy").Single()["spec/ingress"].Items.SelectMany(rule => rule["ports"].Items), port => Assert.Contains(port["port"].Text, ports.Values));
        Assert.Equal(ports["management"], pod["metadata/annotations"].Entries.Single(entry => entry.Key == "prometheus.io/port").Value.Text);
        Assert.Contains(Kind("Service"), service => service["metadata/name"].Text == set["spec/serviceName"].Text && service["spec/clusterIP"].Text == "None");

        var volumes = pod["spec/volumes"].Items.ToList();
        Assert.Equal(volumes.Select(volume => volume["name"].Text).Order(), container["volumeMounts"].Items.Select(mount => mount["name"].Text).Order());
        Assert.All(
            volumes.Where(volume => volume["persistentVolumeClaim"].IsThere),
            volume => Assert.Contains(volume["persistentVolumeClaim/claimName"].Text, Kind("PersistentVolumeClaim").Select(claim => claim["metadata/name"].Text)));
        Assert.Contains(pod["spec/serviceAccountName"].Text, Kind("ServiceAccount").Select(account => account["metadata/name"].Text));

        var arguments = container["args"].Texts.ToList();
        Assert.All(
            arguments.SelectMany(argument => Substitution().Matches(argument)).Select(match => match.Groups[1].Value),
            name => Assert.Contains(name, container["env"].Items.Select(variable => variable["name"].Text)));
        Assert.EndsWith(":" + ports["http"], After(arguments, "--urls"), StringComparison.Ordinal);
        Assert.EndsWith(":" + ports["management"], After(arguments, "--management"), StringComparison.Ordinal);
        Assert.Equal(ports["silo"], After(arguments, "--silo-port"));
        // It says that it is not ready, stops within 45 seconds, and is killed only after both.
        Assert.True(int.Parse(pod["spec/terminationGracePeriodSeconds"].Text) > 45 + int.Parse(After(arguments, "--drain")));
    }

    [Fact]
    public void Services_volumes_networks_and_ports_of_the_compose_file_belong_together()
    {
        var services = Compose["services"].Entries.ToDictionary(service => service.Key, service => service.Value);
        var used = new HashSet<string>();
        foreach (var (name, service) in services)
        {
            Assert.All(DependenciesOf(service), other => Assert.Contains(other, services.Keys));
            Assert.All(NamesIn(service["networks"]), network => Assert.Contains(network, Compose["networks"].Keys));
            foreach (var source in service["volumes"].Texts.Select(volume => volume.Split(':')[0]))
            {
                if (source.StartsWith('.'))
                    Assert.True(File.Exists(Path.Combine(Deploy, "compose", source)), $"{name} mounts {source}, which is not there");
                else
                    used.Add(source);
            }
        }
        Assert.Equal(Compose["volumes"].Keys.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));

        var nodes = services.Where(service => service.Key.StartsWith("node-", StringComparison.Ordinal)).ToDictionary();
        Assert.Equal(3, nodes.Count);
        Assert.Equal(nodes.Select(node => $"{node.Key}:{PortOf(node.Value, "--urls")}"), Upstream().Matches(Read("compose/nginx.conf")).Select(match => match.Groups[1].Value));
        Assert.Equal(
            nodes.Select(node => $"{node.Key}:{PortOf(node.Value, "--management")}"),
            Yaml.ReadAll(Path.Combine(Deploy, "compose/prometheus.yaml")).Single()["scrape_configs"].Items.Single()["static_configs"].Items.Single()["targets"].Texts);
        foreach (var (name, node) in nodes)
        {
            var arguments = node["command"].Texts.ToList();
            Assert.Equal("node-" + After(arguments, "--node"), name);
            Assert.Equal(After(arguments, "--advertise"), node["networks/nodes/ipv4_address"].Text);
            Assert.Equal(nodes.Values.First()["environment/HEALTHCODE_STORE"].Text, node["environment/HEALTHCODE_STORE"].Text);
        }
        Assert.Equal(3, nodes.Values.Select(node => node["networks/nodes/ipv4_address"].Text).Distinct().Count());
        Assert.Contains($"listen {services["proxy"]["ports"].Texts.Single().Split(':')[^1]};", Read("compose/nginx.conf"), StringComparison.Ordinal);
        Assert.All(
            Variable().Matches(Read("compose/compose.yaml")).Select(match => match.Groups[1].Value).Distinct(),
            variable => Assert.Contains(variable + "=", Read("compose/.env.example"), StringComparison.Ordinal));
    }

    [Fact]
    public void Images_are_official_ones_of_a_fixed_version_or_our_own()
    {
        string[] images = [.. Kubernetes.SelectMany(item => item.All("image")).Select(image => image.Text), .. Compose.All("image").Select(image => image.Text)];
        Assert.All(images.Distinct(), image => Assert.Matches(
            @"^(healthcode|\$\{HEALTHCODE_IMAGE:-healthcode\}|postgres:17|nginx:[\d.]+|prom/prometheus:v[\d.]+|grafana/grafana:[\d.]+)$", image));
        Assert.Matches(@"(?m)^FROM debian:13-slim$", Read("Dockerfile"));
    }

    [Fact]
    public void Every_option_and_variable_that_is_named_exists_in_the_program()
    {
        var source = string.Concat(Directory.GetFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        var options = DefinedOption().Matches(source).Select(match => match.Groups[1].Value).ToHashSet();
        string[] given =
        [
            .. Kubernetes.SelectMany(item => item.All("args")).SelectMany(arguments => arguments.Texts), .. Compose.All("command").SelectMany(command => command.Texts),
            .. Files("*.service").SelectMany(unit => File.ReadLines(unit).Where(line => line.StartsWith("ExecStart=", StringComparison.Ordinal)).SelectMany(line => line.Split(' '))),
            .. Directory.GetFiles(Path.Combine(Root, "docs/operating"), "*.md").SelectMany(File.ReadLines).Where(line => Command().IsMatch(line)).SelectMany(line => line.Split(' ')),
            .. Files("Dockerfile").SelectMany(file => Quoted().Matches(File.ReadLines(file).Single(line => line.StartsWith("CMD", StringComparison.Ordinal))).Select(match => match.Groups[1].Value)),
        ];
        var named = given.Where(argument => argument.StartsWith("--", StringComparison.Ordinal)).Distinct().ToList();
        Assert.Contains("--management", named);
        Assert.All(named, option => Assert.Contains(option, options));
        var variables = Files("*").SelectMany(file => OwnVariable().Matches(File.ReadAllText(file))).Select(match => match.Value)
            .Except(EnvironmentExample()).Distinct().ToList();
        Assert.Equal(["HEALTHCODE_STORE"], variables);
        Assert.All(variables, variable => Assert.Contains($"\"{variable}\"", source, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_metric_of_ours_in_the_dashboard_and_the_alerts_exists_and_every_refusal()
    {
        var known = File.ReadLines(Path.Combine(Root, "docs/reference/metrics.md")).Where(line => line.StartsWith("| `healthcode.", StringComparison.Ordinal))
            .Select(line => line.Split('|')).SelectMany(cells => PrometheusNames(cells[1].Trim(' ', '`'), cells[2].Trim(' ', '`'), cells[3].Trim())).ToHashSet();
        var queries = Queries().ToList();
        var named = queries.SelectMany(query => OwnMetric().Matches(query)).Select(match => match.Value).Distinct().ToList();
        Assert.True(named.Count > 15, "the dashboard shows little");
        Assert.All(named, metric => Assert.Contains(metric, known));
        var refusals = File.ReadAllText(Path.Combine(Root, "docs/reference/refusals.md"));
        Assert.All(
            queries.SelectMany(query => NamedRefusal().Matches(query)).Select(match => match.Groups[1].Value),
            refusal => Assert.Contains($"| `{refusal}` |", refusals, StringComparison.Ordinal));
    }

    [Fact]
    public void The_dashboard_has_panels_with_queries_on_the_source_that_compose_sets_up()
    {
        using var dashboard = JsonDocument.Parse(Read("grafana/healthcode.json"));
        var panels = dashboard.RootElement.GetProperty("panels").EnumerateArray().ToList();
        Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        var uid = Yaml.ReadAll(Path.Combine(Deploy, "compose/grafana-datasources.yaml")).Single()["datasources"].Items.Single()["uid"].Text;
        Assert.All(
            panels.Where(panel => panel.GetProperty("type").GetString() != "row"),
            panel => Assert.All(panel.GetProperty("targets").EnumerateArray(), target => Assert.Equal(uid, target.GetProperty("datasource").GetProperty("uid").GetString())));
    }

    [Fact]
    public void Every_alert_has_an_expression_a_severity_and_a_summary()
    {
        var rules = Yaml.ReadAll(Path.Combine(Deploy, "grafana/alerts.yaml")).Single()["groups"].Items.SelectMany(group => group["rules"].Items).ToList();
        Assert.NotEmpty(rules);
        Assert.All(rules, rule =>
        {
            Assert.NotEqual("", rule["alert"].Text);
            Assert.NotEqual("", rule["expr"].Text);
            Assert.Contains(rule["labels/severity"].Text, new[] { "page", "ticket" });
            Assert.NotEqual("", rule["annotations/summary"].Text);
            Assert.Equal(rule["expr"].Text.Count(c => c == '('), rule["expr"].Text.Count(c => c == ')'));
        });
    }

    [Fact]
    public async Task Systemd_takes_the_units()
    {
        foreach (var unit in Files("*.service"))
        {
            var lines = await File.ReadAllLinesAsync(unit);
            Assert.All(["[Unit]", "[Service]", "[Install]"], section => Assert.Contains(section, lines));
            Assert.All(lines, line => Assert.Matches(@"^(#.*|\[\w+\]|[A-Z]\w+=.*|)$", line));
            Assert.Contains("Restart=always", lines);
            if (!File.Exists("/usr/bin/systemd-analyze"))
                continue;
            // The program is not installed where tests run; something else that can be started stands in its place.
            var folder = Directory.CreateTempSubdirectory("healthcode-unit-");
            var copy = Path.Combine(folder.FullName, Path.GetFileName(unit));
            await File.WriteAllLinesAsync(copy, lines.Select(line => line.Replace("/opt/healthcode/healthcode", "/bin/true", StringComparison.Ordinal)));
            using var verify = Process.Start(new ProcessStartInfo("systemd-analyze", ["verify", "--man=no", copy]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            var said = await verify.StandardError.ReadToEndAsync();
            await verify.WaitForExitAsync();
            folder.Delete(recursive: true);
            Assert.True(said == "" && verify.ExitCode == 0, said);
        }
    }

    private static IEnumerable<Yaml> Kind(string kind) => Kubernetes.Where(item => item["kind"].Text == kind);

    private static string Read(string file) => File.ReadAllText(Path.Combine(Deploy, file));

    private static string After(List<string> arguments, string option) => arguments[arguments.IndexOf(option) + 1];

    private static string PortOf(Yaml service, string option) => After([.. service["command"].Texts], option).Split(':')[^1];

    private static IEnumerable<string> NamesIn(Yaml listOrMap) => listOrMap.Keys.Concat(listOrMap.Texts);

    private static IEnumerable<string> DependenciesOf(Yaml service) => NamesIn(service["depends_on"]);

    private static IEnumerable<string> EnvironmentExample() =>
        File.ReadLines(Path.Combine(Deploy, "compose/.env.example")).Where(line => !line.StartsWith('#')).Select(line => line.Split('=')[0]);

    private static IEnumerable<string> Queries()
    {
        using var dashboard = JsonDocument.Parse(Read("grafana/healthcode.json"));
        foreach (var panel in dashboard.RootElement.GetProperty("panels").EnumerateArray())
        {
            if (panel.TryGetProperty("targets", out var targets))
            {
                foreach (var target in targets.EnumerateArray())
                    yield return target.GetProperty("expr").GetString()!;
            }
        }
        foreach (var expression in Yaml.ReadAll(Path.Combine(Deploy, "grafana/alerts.yaml")).Single().All("expr"))
            yield return expression.Text;
    }

    private static string[] PrometheusNames(string name, string unit, string kind)
    {
        var metric = name.Replace('.', '_') + (unit == "s" ? "_seconds" : "");
        return kind switch
        {
            "counter" => [metric + "_total"],
            "histogram" => [metric + "_bucket", metric + "_sum", metric + "_count"],
            _ => [metric],
        };
    }

    // A command of ours, to be typed.
    [GeneratedRegex(@"^(sudo .*|docker compose .*)?(/opt/healthcode/)?healthcode (serve|staff|keys|doctor|explain|verify|backup|restore) ")]
    private static partial Regex Command();

    [GeneratedRegex(@"\$\((\w+)\)")]
    private static partial Regex Substitution();

    [GeneratedRegex(@"^\s*server ([\w-]+:\d+) ", RegexOptions.Multiline)]
    private static partial Regex Upstream();

    [GeneratedRegex(@"\$\{(\w+)")]
    private static partial Regex Variable();

    [GeneratedRegex(@"(?:new Option<[^>]+>|new)\(""(--[a-z-]+)""")]
    private static partial Regex DefinedOption();

    [GeneratedRegex(@"""([^""]+)""")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"HEALTHCODE_[A-Z_]+")]
    private static partial Regex OwnVariable();

    [GeneratedRegex(@"\bhealthcode_[a-z_]+")]
    private static partial Regex OwnMetric();

    [GeneratedRegex(@"refusal=""([a-z-]+)""")]
    private static partial Regex NamedRefusal();
}
