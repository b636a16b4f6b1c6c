using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace MlNetIcl.Models.Onnx;

/// <summary>What a graph wants to be fed, found by what it does with it, by type and by name; and the values to feed.</summary>
internal sealed class OnnxInputs
{
    private const string Known = "token ids, an attention mask [batch, length], position_ids, cache_position, token_type_ids, past keys and values, num_logits_to_keep, use_cache_branch";

    private static readonly HashSet<string> BeforeLookup = ["Reshape", "Cast", "Squeeze", "Unsqueeze", "Identity", "Flatten", "Clip", "Where", "Max", "Min"];

    private readonly string _file;
    private readonly List<(OnnxValue Value, Role Role)> _roles = [];

    private OnnxInputs(string file, OnnxGraph graph, Dataflow flow)
    {
        _file = file;
        (Tokens, Embedding) = FindTokens(graph, flow);
        if (Tokens.Shape is { Count: not 2 }) throw Refused(Tokens, "takes tokens in another shape than [batch, length]");
        foreach (var input in graph.Inputs) _roles.Add((input, input == Tokens ? Role.Tokens : RoleOf(input)));
        FixedBatch = (int?)Tokens.Shape?[0].Size;
        FixedLength = (int?)Tokens.Shape?[1].Size;
        if (FixedBatch == 0 || FixedLength == 0) throw Refused(Tokens, "takes no tokens");
    }

    private enum Role
    {
        Tokens,
        Mask,
        Positions,
        Range,
        Zeros,
        Past,
        AllLogits,
        No,
    }

    /// <summary>The input of token ids.</summary>
    public OnnxValue Tokens { get; }

    /// <summary>The table [vocab, d_model] that they are looked up in.</summary>
    public OnnxTensor Embedding { get; }

    /// <summary>The only number of rows that the graph takes; null for any.</summary>
    public int? FixedBatch { get; }

    /// <summary>The only length of rows that the graph takes; null for any.</summary>
    public int? FixedLength { get; }

    /// <summary>Finds the role of each input of a graph.</summary>
    /// <exception cref="UnsupportedModelException">No input takes tokens, or one takes what is not known; the message names it.</exception>
    public static OnnxInputs Of(string file, OnnxGraph graph, Dataflow flow) => new(file, graph, flow);

    /// <summary>The values of those inputs that a session has, for rows padded on the right.</summary>
    /// <param name="rows">Token rows; the graph's rows beyond them are padding.</param>
    /// <param name="batch">How many rows the graph gets.</param>
    /// <param name="length">How long they are.</param>
    /// <param name="wanted">Which inputs the session has.</param>
    public List<(string Name, OrtValue Value)> Feed(IReadOnlyList<int[]> rows, int batch, int length, Func<string, bool> wanted)
    {
        bool IsToken(int row, int pos) => row < rows.Count && pos < rows[row].Length;
        var feeds = new List<(string, OrtValue)>();
        foreach (var (value, role) in _roles)
        {
            if (!wanted(value.Name)) continue;
            feeds.Add((value.Name, role switch
            {
                Role.Tokens => Numbers(value.Type, [batch, length], (row, pos) => IsToken(row, pos) ? rows[row][pos] : 0),
                // A row of padding still sees its first position, so that no softmax is over nothing.
                Role.Mask => Numbers(value.Type, [batch, length], (row, pos) => pos == 0 || IsToken(row, pos) ? 1 : 0),
                Role.Positions => Numbers(value.Type, [batch, length], (_, pos) => pos),
                Role.Range => Numbers(value.Type, [length], (_, pos) => pos),
                Role.Zeros => Numbers(value.Type, [batch, length], (_, _) => 0),
                Role.Past => OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, (TensorElementType)value.Type, PastShape(value, batch)),
                // Of the last positions, how many get logits: 0 stands for all.
                Role.AllLogits => Numbers(value.Type, value.Shape is { Count: 0 } ? [] : [1], (_, _) => 0),
                _ => OrtValue.CreateTensorValueFromMemory(new bool[1], [1]),
            }));
        }
        return feeds;
    }

    private static OrtValue Numbers(int type, long[] shape, Func<int, int, int> at)
    {
        int length = shape.Length == 0 ? 1 : (int)shape[^1];
        int[] values = new int[shape.Aggregate(1L, (a, b) => a * b)];
        for (int i = 0; i < values.Length; i++) values[i] = at(i / length, i % length);
        return type switch
        {
            OnnxType.Int32 => OrtValue.CreateTensorValueFromMemory(values, shape),
            OnnxType.Bool => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, v => v != 0), shape),
            OnnxType.Float => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, v => (float)v), shape),
            _ => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, v => (long)v), shape),
        };
    }

    /// <summary>An empty past: the batch is the first dimension of no fixed size, or the one named as that of the tokens; the other is the length.</summary>
    private long[] PastShape(OnnxValue value, int batch)
    {
        var dims = value.Shape!;
        int batchAt = -1;
        for (int i = dims.Count - 1; i >= 0; i--)
            if (dims[i].Size is null && (batchAt < 0 || dims[batchAt].Name is null || dims[batchAt].Name != Tokens.Shape?[0].Name || dims[i].Name == dims[batchAt].Name)) batchAt = i;
        return [.. dims.Select((dim, i) => dim.Size ?? (i == batchAt ? batch : 0))];
    }

    private (OnnxValue Tokens, OnnxTensor Table) FindTokens(OnnxGraph graph, Dataflow flow)
    {
        var candidates = graph.Inputs.Where(i => OnnxType.IsInteger(i.Type)).Select(i => (Input: i, Table: TableOf(i.Name, flow), Rank: NameRank(i.Name)))
            .Where(c => c.Table is not null && c.Rank < int.MaxValue).OrderBy(c => c.Rank).ToArray();
        if (candidates.Length == 0)
            throw new UnsupportedModelException($"'{_file}': none of the inputs {Show(graph.Inputs)} is looked up in a table of embeddings, so that none takes token ids.");
        if (candidates.Length > 1 && candidates[0].Rank == candidates[1].Rank)
            throw new UnsupportedModelException($"'{_file}': the inputs '{candidates[0].Input.Name}' and '{candidates[1].Input.Name}' may both be the token ids. Name one of them input_ids.");
        return (candidates[0].Input, candidates[0].Table!);
    }

    private static OnnxTensor? TableOf(string input, Dataflow flow)
    {
        var open = new Queue<(string Value, int Steps)>([(input, 0)]);
        while (open.TryDequeue(out var next))
            foreach (var reader in flow.ReadersOf(next.Value))
            {
                string? table = reader.Is("Gather") || reader.IsMicrosoft("GatherBlockQuantized") ? reader.Input(1) == next.Value ? reader.Input(0) : null
                    : reader.IsMicrosoft("EmbedLayerNormalization") && reader.Input(0) == next.Value ? reader.Input(2) : null;
                if (table is not null && flow.ConstantOf(table) is { Dims.Length: 2 } found) return found;
                if (next.Steps < 8 && BeforeLookup.Contains(reader.Operator)) open.Enqueue((reader.Output(0), next.Steps + 1));
            }
        return null;
    }

    private static int NameRank(string name)
    {
        bool Has(string part) => name.Contains(part, StringComparison.OrdinalIgnoreCase);
        if (Has("mask") || Has("position") || Has("type") || Has("segment") || Has("past") || Has("cache")) return int.MaxValue;
        return name == "input_ids" ? 0 : Has("input_ids") ? 1 : Has("token") || Has("ids") ? 2 : 3;
    }

    private Role RoleOf(OnnxValue input)
    {
        bool Has(params string[] parts) => parts.Any(part => input.Name.Contains(part, StringComparison.OrdinalIgnoreCase));
        bool Ranks(int rank) => input.Shape is null || input.Shape.Count == rank;
        bool isInteger = OnnxType.IsInteger(input.Type);
        if (input.Type == OnnxType.Bool && Has("use_cache")) return Role.No;
        if (isInteger && Has("logits_to_keep") && input.Shape is null or { Count: 0 } or [{ Size: 1 }]) return Role.AllLogits;
        if ((input.Type is OnnxType.Float or OnnxType.Float16 or OnnxType.BFloat16) && Has("past", "cache") && input.Shape is { Count: >= 4 } shape)
            return shape.Count(d => d.Size is null) is 1 or 2 ? Role.Past : throw Refused(input, "is a past of which the number of heads or their width is not known");
        if (Has("mask") && Ranks(2) && (isInteger || input.Type is OnnxType.Bool or OnnxType.Float)) return Role.Mask;
        if (Has("position") && isInteger && input.Shape?.Count != 1 && Ranks(2)) return Role.Positions;
        if (Has("position") && isInteger && Ranks(1)) return Role.Range;
        if (Has("token_type", "segment") && isInteger && Ranks(2)) return Role.Zeros;
        throw Refused(input, "is not known");
    }

    private UnsupportedModelException Refused(OnnxValue input, string why) => new($"'{_file}': input '{input.Name}' ({input}) {why}. Known are {Known}.");

    private static string Show(IEnumerable<OnnxValue> inputs) => string.Join(", ", inputs.Select(i => $"'{i.Name}' ({i})"));
}
