using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;
using ElementType = Microsoft.ML.OnnxRuntime.Tensors.TensorElementType;

namespace MlNetIcl.Models.Onnx;

/// <summary>
/// A decoder that is an ONNX graph: forward passes by ONNX Runtime that give attention weights, head outputs and logits, and take others in their
/// place. Each pass runs the part of the graph that its plan needs. Thread-safe.
/// </summary>
internal sealed partial class OnnxDecoder : IDisposable
{
    /// <summary>The most logits, in elements, that exist at one time where only their losses are asked for: 64 MB.</summary>
    private const long MaxLogits = 1 << 24;

    private readonly OnnxModel _model;
    private readonly IReadOnlyList<Attention> _layers;
    private readonly Surgery _surgery;
    private readonly OnnxInputs _inputs;
    private readonly OnnxSessions _sessions;
    private readonly Dictionary<Site, SiteLayout> _layouts = [];
    private bool _rowsAlone; // rows of a batch change one another, so each is run by itself

    public void Dispose()
    {
        _sessions.Dispose();
        _model.Dispose();
    }

    public ForwardResult Run(DecoderConfig config, TokenBatch tokens, ForwardPlan plan, CancellationToken cancellation)
    {
        tokens.Validate(config);
        if (plan.StartsFromEarlierPass || plan.Cone is not null || plan.Kept is not null) throw new ArgumentException("An ONNX graph runs from its tokens; it cannot start from a residual stream.", nameof(plan));
        if (plan.WantsTokenLosses) SiteRules.Require(Site.Logits, config, 0);
        var tap = new SiteTap(plan, config);
        foreach (var site in plan.Edited.Where(_layouts.ContainsKey))
            if (_surgery.WhyNotReplaced(site) is { } why) throw new ArgumentException($"Site '{site}' cannot be replaced here: {why}.");
        CheckMemory(plan, tokens);
        using var scope = NewDisposeScope();
        try
        {
            var losses = Run(tap, tokens, plan, cancellation);
            return new ForwardResult(tap.Captured, losses?.DetachFromDisposeScope());
        }
        catch
        {
            tap.Abandon();
            throw;
        }
    }

    /// <summary>
    /// One run of the graph up to each site whose value is replaced, and one to the end: what replaces a value may depend on it, and on all that was
    /// replaced before. Values are handed over in the order of the forward pass.
    /// </summary>
    private Tensor? Run(SiteTap tap, TokenBatch tokens, ForwardPlan plan, CancellationToken cancellation)
    {
        Site[] sites = [.. plan.Requested.Concat(plan.Edited).Distinct().OrderBy(s => s.Kind == SiteKind.Logits ? int.MaxValue : s.Layer).ThenBy(s => s.Kind)];
        bool[] stops = [.. sites.Select(s => s.Kind != SiteKind.Logits && plan.EditOf(s) is not null)];
        using var session = SessionFor(sites, stops, plan.WantsTokenLosses);
        var replaced = new Dictionary<Site, Tensor>();
        Tensor? losses = null;
        for (int from = 0, to; from < sites.Length || (plan.WantsTokenLosses && losses is null); from = to)
        {
            cancellation.ThrowIfCancellationRequested();
            int stop = Array.IndexOf(stops, true, from);
            to = stop < 0 ? sites.Length : stop + 1;
            using var part = NewDisposeScope();
            if (stop < 0 && plan.WantsTokenLosses && !sites.Contains(Site.Logits)) losses = full([tokens.Count, tokens.MaxLength - 1], Kept.Scalar(float.NaN));
            var known = to - from == 1 && stop >= 0 ? plan.KnownFor(sites[stop]) : null;
            var values = known is null ? Values(session, tokens, sites[from..to], replaced, losses, cancellation) : new() { [sites[stop]] = known.clone() };
            foreach (var site in sites[from..to])
            {
                var value = tap.Visit(site.Kind, site.Layer, values[site]);
                if (site.Kind == SiteKind.Logits && plan.WantsTokenLosses) losses = NextTokenLoss.FromLogits(value, tokens);
                else if (stop >= 0 && site == sites[stop]) replaced[site] = _layouts[site].Swap(value).contiguous().MoveToOuterDisposeScope();
            }
            losses?.MoveToOuterDisposeScope();
        }
        return losses;
    }

    /// <summary>The session for a plan. Those with replacements give and take the values of all layers, so that a sweep over layers needs one session.</summary>
    private OnnxSession SessionFor(Site[] sites, bool[] stops, bool losses)
    {
        SiteKind[] replaced = [.. sites.Where((_, i) => stops[i]).Select(s => s.Kind).Distinct()];
        IEnumerable<Site> read = losses ? sites.Append(Site.Logits) : sites;
        if (replaced.Length > 0) read = read.SelectMany(s => s.Kind == SiteKind.Logits ? [s] : Enumerable.Range(0, _layers.Count).Select(l => new Site(s.Kind, l)));
        Site[] taken = [.. replaced.SelectMany(kind => Enumerable.Range(0, _layers.Count).Select(l => new Site(kind, l))).Where(s => _surgery.WhyNotReplaced(s) is null)];
        return _sessions.Get([.. read.Distinct().Select(s => _layouts[s].Value)], taken);
    }

    /// <summary>Values of sites on all rows, in the library's axes.</summary>
    /// <param name="session">A session that gives them.</param>
    /// <param name="tokens">The rows.</param>
    /// <param name="sites">The sites.</param>
    /// <param name="replaced">Values to take in place of the graph's own, contiguous in the graph's axes.</param>
    /// <param name="losses">Gets the losses of next tokens, of logits that are not kept; null if not wanted.</param>
    /// <param name="cancellation">Ends a run between two nodes.</param>
    private Dictionary<Site, Tensor> Values(OnnxSession session, TokenBatch tokens, Site[] sites, Dictionary<Site, Tensor> replaced, Tensor? losses, CancellationToken cancellation)
    {
        int count = tokens.Count, length = tokens.MaxLength;
        var values = sites.ToDictionary(site => site, site => (_rowsAlone ? zeros(_layouts[site].Shape(count, length)) : empty(_layouts[site].Shape(count, length))));
        int most = _inputs.FixedBatch ?? (_rowsAlone ? 1 : count);
        if (losses is not null) most = (int)Math.Clamp(MaxLogits / ((long)length * Vocabulary), 1, most);
        for (int first = 0; first < count; first += most)
        {
            using var scope = NewDisposeScope();
            int[][] rows = [.. tokens.Rows.Skip(first).Take(most)];
            int batch = _inputs.FixedBatch ?? rows.Length, own = _inputs.FixedLength ?? (_rowsAlone ? rows[0].Length : length);
            bool fits = batch == rows.Length && own == length;
            var feeds = _inputs.Feed(rows, batch, own, session.HasInput);
            try
            {
                foreach (var (site, layout) in _layouts)
                    if (session.HasInput(Surgery.ShiftOf(site))) feeds.AddRange(Replacement(site, layout, replaced.GetValueOrDefault(site)?.narrow(0, first, rows.Length), batch, own, fits));
                Site[] given = losses is null ? sites : [.. sites, Site.Logits];
                Tensor[] targets = [.. given.Select(site => fits && values.TryGetValue(site, out var whole) ? whole.narrow(0, first, rows.Length) : empty(_layouts[site].Shape(batch, own)))];
                Fetch(session, feeds, [.. given.Select((site, i) => (_surgery.OutputOf(_layouts[site].Value), targets[i], _layouts[site].GraphShape(batch, own)))], cancellation);
                for (int i = 0; i < sites.Length && !fits; i++) Copy(targets[i], values[sites[i]].narrow(0, first, rows.Length), _layouts[sites[i]].Positions);
                if (losses is not null) Reduce(targets[^1], new TokenBatch(rows), losses.narrow(0, first, rows.Length));
            }
            finally
            {
                foreach (var (_, value) in feeds) value.Dispose();
            }
        }
        return values.ToDictionary(v => v.Key, v => _layouts[v.Key].Swap(v.Value));
    }

    /// <summary>Runs a graph into the memory of tensors; what it will not write there, as the shape that it has been told is another, is copied.</summary>
    private static void Fetch(OnnxSession session, List<(string, OrtValue)> feeds, (string Name, Tensor Target, long[] Shape)[] outputs, CancellationToken cancellation)
    {
        OrtValue?[] memory = [.. outputs.Select(o => session.Accepts(o.Name, o.Shape) ? Wrap(o.Target, o.Shape) : null)];
        OrtValue[] results = [];
        try
        {
            results = session.Run(feeds, [.. outputs.Select((o, i) => (o.Name, memory[i]))], cancellation);
            for (int i = 0; i < outputs.Length; i++)
            {
                if (memory[i] is not null) continue;
                if (!results[i].GetTensorTypeAndShape().Shape.AsSpan().SequenceEqual(outputs[i].Shape))
                    throw new ModelFormatException($"The graph gives '{outputs[i].Name}' in the shape {Models.Shapes.Show(results[i].GetTensorTypeAndShape().Shape)}, expected {Models.Shapes.Show(outputs[i].Shape)}.");
                using var copy = Wrap(outputs[i].Target, outputs[i].Shape);
                results[i].GetTensorDataAsSpan<float>().CopyTo(copy.GetTensorMutableDataAsSpan<float>());
            }
        }
        finally
        {
            foreach (var value in results) value.Dispose();
            foreach (var value in memory) value?.Dispose();
        }
    }

    private static void Reduce(Tensor logits, TokenBatch rows, Tensor losses)
    {
        var own = NextTokenLoss.FromLogits(logits.narrow(0, 0, rows.Count).narrow(1, 0, rows.MaxLength), rows);
        Copy(own, losses, [1]);
    }

    private static IEnumerable<(string, OrtValue)> Replacement(Site site, SiteLayout layout, Tensor? value, int batch, int length, bool fits)
    {
        yield return (Surgery.ScaleOf(site), OrtValue.CreateTensorValueFromMemory([value is null ? 1f : 0], [1]));
        if (value is null)
        {
            yield return (Surgery.ShiftOf(site), OrtValue.CreateTensorValueFromMemory(new float[1], [1]));
            yield break;
        }
        if (!fits)
        {
            var padded = zeros(layout.Shape(batch, length));
            Copy(value, padded.narrow(0, 0, value.shape[0]), layout.Positions);
            value = padded;
        }
        yield return (Surgery.ShiftOf(site), Wrap(value, layout.GraphShape(batch, length)));
    }

    /// <summary>Copies the rows and positions that both have.</summary>
    private static void Copy(Tensor from, Tensor to, int[] positions)
    {
        using var scope = NewDisposeScope();
        var source = from.narrow(0, 0, to.shape[0]);
        var target = to.alias();
        foreach (int axis in positions)
        {
            long both = Math.Min(source.shape[axis], target.shape[axis]);
            (source, target) = (source.narrow(axis, 0, both), target.narrow(axis, 0, both));
        }
        target.copy_(source);
    }

    /// <summary>A contiguous float32 tensor's memory, for the runtime to read or write in place.</summary>
    private static unsafe OrtValue Wrap(Tensor tensor, long[] shape)
    {
        using var first = tensor.view(-1).narrow(0, 0, 1);
        fixed (byte* memory = first.bytes)
            return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, ElementType.Float, shape, (IntPtr)memory, tensor.numel() * sizeof(float));
    }

    private void CheckMemory(ForwardPlan plan, TokenBatch tokens)
    {
        double bytes = sizeof(float) * plan.Requested.Concat(plan.Edited).Distinct().Sum(site => _layouts[site].Shape(tokens.Count, tokens.MaxLength).Aggregate(1.0, (a, b) => a * b));
        double available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > available)
            throw new InsufficientMemoryException(FormattableString.Invariant(
                $"What is asked of {tokens.Count} rows of up to {tokens.MaxLength} tokens takes {bytes / (1L << 30):0.0} GiB, and the machine has {available / (1L << 30):0.0} GiB. Run shorter rows, or fewer at a time."));
    }
}
