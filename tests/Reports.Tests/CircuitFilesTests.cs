using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MlNetIcl.Reports.Circuits;

namespace MlNetIcl.Reports.Tests;

public sealed partial class CircuitFilesTests
{
    [Fact]
    public void Json_Circuit_HasTheDocumentedShape()
    {
        var root = JsonNode.Parse(CircuitJson.ToText(SampleCircuits.Found()))!;

        Assert.Equal(["model", "metric", "verdict", "clean", "corrupted", "difference", "nodes", "edges", "evaluation", "search", "protocol"], root.AsObject().Select(p => p.Key));
        Assert.Equal(("sample", "copy_logit_difference", "found", 11.25), ((string?)root["model"], (string?)root["metric"], (string?)root["verdict"], (double?)root["clean"]));
        Assert.Equal((11, 10.5, 11.5, 1e-3), ((double?)root["difference"]!["value"], (double?)root["difference"]!["low"], (double?)root["difference"]!["high"], (double?)root["difference"]!["p"]));

        Assert.Equal(["embedding", "L0.H1", "L0.MLP", "L2.H0", "L2.H1", "logits"], root["nodes"]!.AsArray().Select(n => (string?)n!["id"]));
        Assert.Equal(["embedding", "head", "mlp", "head", "head", "logits"], root["nodes"]!.AsArray().Select(n => (string?)n!["kind"]));
        Assert.Equal([null, "previous_token", null, "induction", null, null], root["nodes"]!.AsArray().Select(n => (string?)n!["role"]));
        Assert.Equal((0, null), ((int?)root["nodes"]![2]!["layer"], (int?)root["nodes"]![2]!["head"]));

        var key = root["edges"]![3]!;
        Assert.Equal(("L0.H1", "key"), ((string?)key["from"], (string?)key["input"]));
        Assert.Equal(["L2.H0", "L2.H1"], key["to"]!.AsArray().Select(n => (string?)n)); // they share the key head
        Assert.Equal([0.75, 0.74, 0.77, 1e-4, 2e-4, 0.375], new[] { "effect", "low", "high", "p", "q", "removal" }.Select(k => (double?)key[k]));
        Assert.Equal((0.25, 16.5), ((double?)key["composition"]!["score"], (double?)key["composition"]!["z"]));
        Assert.Null(root["edges"]![0]!["composition"]);
        Assert.Equal(["L0.MLP"], root["edges"]![5]!["to"]!.AsArray().Select(n => (string?)n));

        var evaluation = root["evaluation"]!;
        Assert.Equal((0.9375, 0.9, 0.97), ((double?)evaluation["faithfulness"]!["value"], (double?)evaluation["faithfulness"]!["low"], (double?)evaluation["faithfulness"]!["high"]));
        Assert.Equal((0.99, -0.0625), ((double?)evaluation["completeness"]!["value"], (double?)evaluation["minimality"]));
        Assert.Equal((20, 0.125, 0.5, 0), ((int?)evaluation["random"]!["circuits"], (double?)evaluation["random"]!["mean"], (double?)evaluation["random"]!["max"], (double?)evaluation["random"]!["as_faithful"]));
        Assert.Equal((32, 222, 60, 12), ((int?)root["search"]!["rows"], (int?)root["search"]!["model_edges"], (int?)root["search"]!["patched_edges"], (int?)root["search"]!["screened_edges"]));
    }

    [Fact]
    public void Json_WhatWasNotMeasured_IsNull()
    {
        var untested = JsonNode.Parse(CircuitJson.ToText(SampleCircuits.Found(tested: false)))!;
        foreach (string key in new[] { "low", "high", "p", "q" })
        {
            Assert.True(untested["edges"]![0]!.AsObject().ContainsKey(key));
            Assert.Null(untested["edges"]![0]![key]);
        }
        Assert.Null(untested["evaluation"]!["random"]);

        var nothing = JsonNode.Parse(CircuitJson.ToText(SampleCircuits.Nothing()))!;
        Assert.Equal("no difference", (string?)nothing["verdict"]);
        Assert.Empty(nothing["edges"]!.AsArray());
        Assert.Null(nothing["evaluation"]);
        Assert.Null(nothing["protocol"]);
    }

    [Theory]
    [InlineData("sample")]
    [InlineData("a \"quoted\" \\ name\\")]
    [InlineData(SampleResults.HostileName)]
    [InlineData("]; } digraph x {\n\"\r\t<b>模型")]
    public void Dot_AnyName_IsOneGraphWithTheCircuitsNodesAndEdges(string name)
    {
        var circuit = SampleCircuits.Found(name);
        var (nodes, edges, title) = ParseDot(CircuitDot.ToText(circuit));

        Assert.Equal(circuit.Nodes.Select(n => n.Name), nodes.Keys);
        Assert.Equal("L0.H1\\nprevious token", nodes["L0.H1"]);
        Assert.Equal(circuit.Edges.SelectMany(e => circuit.Ends(e).Select(end => (circuit.Start(e).Name, end.Name))), edges.Select(e => (e.From, e.To)));
        Assert.Contains("6 of 222 edges, faithfulness 0.938", title, StringComparison.Ordinal);
        var key = edges[3];
        Assert.Equal(("key 0.750", "3.75"), (key.Attributes["label"], key.Attributes["penwidth"]));
        Assert.Equal("dashed", edges[1].Attributes["style"]);
        Assert.False(key.Attributes.ContainsKey("style"));
        Assert.All(CircuitDot.ToText(circuit).Where(char.IsControl), c => Assert.Equal('\n', c));
    }

    [Fact]
    public void Dot_NoCircuit_IsAnEmptyGraphThatSaysSo()
    {
        var (nodes, edges, title) = ParseDot(CircuitDot.ToText(SampleCircuits.Nothing()));
        Assert.Empty(nodes);
        Assert.Empty(edges);
        Assert.EndsWith("no difference", title, StringComparison.Ordinal);
    }

    /// <summary>Reads the part of Graphviz's grammar that is used: statements of quoted or plain ids, attribute lists, edges and subgraphs. Throws on anything else.</summary>
    private static (Dictionary<string, string?> Nodes, List<(string From, string To, Dictionary<string, string> Attributes)> Edges, string Title) ParseDot(string dot)
    {
        var tokens = new Queue<string>(Token().Matches(dot).Select(m => m.Value).Where(t => !string.IsNullOrWhiteSpace(t)));
        var nodes = new Dictionary<string, string?>();
        var edges = new List<(string, string, Dictionary<string, string>)>();
        string title = "";
        Expect("digraph");
        Id();
        Statements();
        Assert.Empty(tokens);
        return (nodes, edges, title);

        void Statements()
        {
            Expect("{");
            while (tokens.Peek() != "}")
                if (tokens.Peek() == "{") Statements();
                else Statement();
            Expect("}");
        }

        void Statement()
        {
            string id = Id();
            if (tokens.Peek() == "=")
            {
                tokens.Dequeue();
                Id();
            }
            else if (tokens.Peek() == "->")
            {
                tokens.Dequeue();
                string to = Id();
                Assert.True(nodes.ContainsKey(id) && nodes.ContainsKey(to), $"{id} -> {to}");
                edges.Add((id, to, Attributes()));
            }
            else
            {
                var attributes = Attributes();
                if (id == "graph") title = attributes["label"];
                else if (id is not ("node" or "edge")) nodes.Add(id, attributes.GetValueOrDefault("label"));
            }
            Expect(";");
        }

        Dictionary<string, string> Attributes()
        {
            var attributes = new Dictionary<string, string>();
            if (tokens.Peek() != "[") return attributes;
            Expect("[");
            while (tokens.Peek() != "]")
            {
                string key = Id();
                Expect("=");
                attributes.Add(key, Id());
                if (tokens.Peek() == ",") tokens.Dequeue();
            }
            Expect("]");
            return attributes;
        }

        string Id()
        {
            string token = tokens.Dequeue();
            if (token[0] == '"') return token[1..^1].Replace("\\\"", "\"", StringComparison.Ordinal);
            Assert.True(Plain().IsMatch(token), $"'{token}' is no id");
            return token;
        }

        void Expect(string token) => Assert.Equal(token, tokens.Dequeue());
    }

    [GeneratedRegex(@"""(?:[^""\\]|\\.)*""|->|[{}\[\];,=]|[^\s""{}\[\];,=]+|\s+|.", RegexOptions.Singleline)]
    private static partial Regex Token();

    [GeneratedRegex(@"^(?:[A-Za-z_][A-Za-z0-9_]*|-?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?))$")]
    private static partial Regex Plain();
}
