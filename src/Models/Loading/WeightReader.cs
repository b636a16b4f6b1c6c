using MlNetIcl.Models.Native;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Loading;

/// <summary>Puts the decoder's parameters together from a model's files: all shapes are checked before the first value is read.</summary>
internal static class WeightReader
{
    /// <exception cref="ModelFormatException">A tensor is missing, of another shape or type than the configuration says, or no parameter of the family.</exception>
    /// <param name="checkpoint">The files.</param>
    /// <param name="architecture">What they hold.</param>
    /// <param name="type">What the values are converted to.</param>
    /// <param name="device">Where they go. Null: the CPU.</param>
    public static DecoderWeights Read(IWeightSource checkpoint, Architecture architecture, ScalarType type, Device? device)
    {
        var parameters = Check(checkpoint, architecture);
        NativeTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var weights = DecoderWeights.Read(architecture.Config, parameters.ContainsKey, (name, shape) => parameters[name].Read(checkpoint, shape, type, device ?? CPU));
        foreach (var (_, value) in weights.Named()) value.DetachFromDisposeScope();
        return weights;
    }

    /// <summary>Checks that a model's files hold its parameters and nothing else, without reading them.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    internal static IReadOnlyDictionary<string, Parameter> Check(IWeightSource checkpoint, Architecture architecture)
    {
        var parameters = Parameters(checkpoint, architecture).ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var part in parameters.Values.SelectMany(parameter => parameter.Parts))
        {
            checkpoint.Require(part.Name, part.Shape);
            used.Add(part.Name);
        }
        CheckUnembedding(checkpoint, architecture, used);
        CheckLeftovers(checkpoint, architecture, used);
        return parameters;
    }

    /// <summary>A tensor of the file.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Shape">Its shape in the file.</param>
    /// <param name="Arrange">How it becomes rows of the parameter; null for as it is.</param>
    internal sealed record Part(string Name, long[] Shape, Func<Tensor, Tensor>? Arrange = null);

    /// <summary>A parameter: parts one below the other. Named as in <see cref="DecoderWeights.Named"/>.</summary>
    internal sealed record Parameter(string Name, params IReadOnlyList<Part> Parts)
    {
        public Tensor Read(IWeightSource checkpoint, long[] shape, ScalarType type, Device device)
        {
            using var scope = NewDisposeScope();
            var whole = empty(shape, dtype: type);
            long row = 0;
            foreach (var part in Parts)
            {
                using var partScope = NewDisposeScope(); // what a part needs on its way goes before the next one comes
                if (part.Arrange is { } arrange)
                {
                    var stored = empty(part.Shape, dtype: type);
                    checkpoint.Read(part.Name, stored);
                    var arranged = arrange(stored);
                    Rows(arranged.shape).copy_(arranged);
                }
                else checkpoint.Read(part.Name, Rows(part.Shape));
            }
            if (row != shape[0]) throw new InvalidOperationException($"The parts of {Name} have {row} rows; expected {shape[0]}.");
            return whole.to(device).MoveToOuterDisposeScope();

            Tensor Rows(long[] part)
            {
                var rows = whole.narrow(0, row, part[0]);
                Shapes.Require(rows, part, $"a part of {Name}");
                row += part[0];
                return rows;
            }
        }
    }

    private static IEnumerable<Parameter> Parameters(IWeightSource checkpoint, Architecture architecture)
    {
        var (config, names) = architecture;
        long width = config.DModel, vocabulary = config.Vocabulary;
        string embedding = names.Embedding + ".weight", unembedding = names.Unembedding + ".weight";
        yield return new("embed.weight", new Part(config.TiedUnembedding && !checkpoint.Has(embedding) && checkpoint.Has(unembedding) ? unembedding : embedding, [vocabulary, width]));
        if (!config.TiedUnembedding) yield return new("unembed.weight", new Part(unembedding, [vocabulary, width]));
        if (names.Positions is { } positions)
            yield return new("positions.weight", new Part(positions + ".weight", [names.UnusedPositions + (long)config.Context, width],
                names.UnusedPositions == 0 ? null : table => table.narrow(0, names.UnusedPositions, config.Context)));
        if (names.EmbeddingNorm is { } norm)
            foreach (var parameter in Norm("embed_norm", norm)) yield return parameter;
        for (int layer = 0; layer < config.Layers; layer++)
            foreach (var parameter in Block($"blocks.{layer}.", $"{names.Blocks}.{layer}.", config, names)) yield return parameter;
        foreach (var parameter in Norm("final_norm", names.FinalNorm)) yield return parameter;

        IEnumerable<Parameter> Norm(string name, string file) => NormParameters(name, file, config);
    }

    private static IEnumerable<Parameter> Block(string to, string from, DecoderConfig config, TensorNames names)
    {
        long width = config.DModel, queries = (long)config.Heads * config.DHead, keys = (long)config.KeyHeads * config.DHead;
        long[] rows = names.QueryKeyValue.Count == 1 ? [queries + keys + keys] : [queries, keys, keys];
        Func<Tensor, Tensor>?[] order = names.FusedOrder == FusedOrder.PerHead ? [fused => Regroup(fused, config.Heads)]
            : names.NeighboursRotate ? [query => SplitPairs(query, config.Heads), key => SplitPairs(key, config.KeyHeads), null] : [];

        foreach (var parameter in NormParameters(to + "attn_norm", from + names.AttentionNorm, config)) yield return parameter;
        foreach (var parameter in Linear("attn.qkv", names.QueryKeyValue, rows, width, names.QueryKeyValueBias, order)) yield return parameter;
        if (names.QueryNorm is { } queryNorm) yield return new(to + "attn.q_norm.weight", new Part(from + queryNorm + ".weight", [config.DHead]));
        if (names.KeyNorm is { } keyNorm) yield return new(to + "attn.k_norm.weight", new Part(from + keyNorm + ".weight", [config.DHead]));
        foreach (var parameter in Linear("attn.out", [names.Output], [width], queries, names.OutputBias)) yield return parameter;
        foreach (var parameter in NormParameters(to + "mlp_norm", from + names.MlpNorm, config)) yield return parameter;
        foreach (var parameter in Linear("mlp.in", names.MlpIn, [.. names.MlpIn.Select(_ => (long)config.DMlp)], width, names.MlpBias)) yield return parameter;
        foreach (var parameter in Linear("mlp.out", [names.MlpOut], [width], config.DMlp, names.MlpBias)) yield return parameter;

        IEnumerable<Parameter> Linear(string name, IReadOnlyList<string> files, long[] outputs, long inputs, bool bias, params Func<Tensor, Tensor>?[] arrange)
        {
            yield return new(to + name + ".weight", [.. files.Select((file, i) => names.InputByOutput
                ? new Part(from + file + ".weight", [inputs, outputs[i]], matrix => matrix.t())
                : new Part(from + file + ".weight", [outputs[i], inputs], arrange.ElementAtOrDefault(i)))]);
            if (bias) yield return new(to + name + ".bias", [.. files.Select((file, i) => new Part(from + file + ".bias", [outputs[i]], arrange.ElementAtOrDefault(i)))]);
        }
    }

    private static IEnumerable<Parameter> NormParameters(string name, string file, DecoderConfig config)
    {
        yield return new(name + ".weight", new Part(file + ".weight", [config.DModel]));
        if (config.Norm == NormKind.LayerNorm) yield return new(name + ".bias", new Part(file + ".bias", [config.DModel]));
    }

    /// <summary>Rows [head, (query key value), d_head] to [(query key value), head, d_head].</summary>
    private static Tensor Regroup(Tensor fused, int heads)
    {
        long[] shape = fused.shape;
        return fused.view(heads, 3, shape[0] / (3 * heads), -1).transpose(0, 1).reshape(shape);
    }

    /// <summary>Rows [head, d_head / 2, (first second)] to [head, (first second), d_head / 2]: from a rotation of neighbours to one of halves.</summary>
    private static Tensor SplitPairs(Tensor rows, int heads)
    {
        long[] shape = rows.shape;
        return rows.view(heads, shape[0] / (2 * heads), 2, -1).transpose(1, 2).reshape(shape);
    }

    /// <summary>A tied model may hold its one matrix under either name, or under both.</summary>
    private static void CheckUnembedding(IWeightSource checkpoint, Architecture architecture, HashSet<string> used)
    {
        string embedding = architecture.Names.Embedding + ".weight", unembedding = architecture.Names.Unembedding + ".weight";
        if (!architecture.Config.TiedUnembedding || !checkpoint.Has(unembedding) || !used.Add(unembedding)) return;
        if (!checkpoint.AreSame(embedding, unembedding))
            throw new ModelFormatException($"The model's embedding and unembedding are tied (tie_word_embeddings), but '{embedding}' and '{unembedding}' differ. Set tie_word_embeddings to false if both are meant.");
    }

    private static void CheckLeftovers(IWeightSource checkpoint, Architecture architecture, HashSet<string> used)
    {
        string[] left = [.. checkpoint.Names.Where(name => !used.Contains(name) && !architecture.Names.Buffers.Any(buffer => name.EndsWith(buffer, StringComparison.Ordinal))).Order(StringComparer.Ordinal)];
        if (left.Length > 0)
            throw new ModelFormatException($"The weights hold {left.Length} tensor(s) that a {architecture.Config.Family} model of this configuration does not have, so it would be computed wrongly: "
                + $"{string.Join(", ", left.Take(5))}{(left.Length > 5 ? ", …" : "")}.");
    }
}
