using static TorchSharp.torch;

namespace MlNetIcl.Models;

/// <summary>
/// What one forward pass is asked for. The pass computes what the plan needs and nothing else: it starts at the first layer
/// (or from a given residual), and stops as soon as the last requested value is there.
/// </summary>
/// <remarks>Not thread-safe while it is built; a built plan may be run many times, and at the same time where its callbacks allow it.</remarks>
public sealed class ForwardPlan
{
    private readonly HashSet<Site> _captures = [];
    private readonly Dictionary<Site, Action<Tensor>> _observers = [];
    private readonly Dictionary<Site, Func<Tensor, Tensor?>> _edits = [];
    private readonly Dictionary<Site, Tensor> _known = [];
    private IReadOnlyDictionary<SiteKind, Tensor>? _given;

    /// <summary>Keeps the value of a site; read it from the result.</summary>
    public ForwardPlan Capture(params IEnumerable<Site> sites)
    {
        ArgumentNullException.ThrowIfNull(sites);
        _captures.UnionWith(sites);
        return this;
    }

    /// <summary>Reads a site's value on the fly, after any intervention on it. The tensor is only borrowed: it is freed or overwritten after the call.</summary>
    public ForwardPlan Observe(Site site, Action<Tensor> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        _observers[site] = _observers.TryGetValue(site, out var before) ? before + read : read;
        return this;
    }

    /// <summary>
    /// Intervenes: everything downstream sees the value that <paramref name="edit"/> returns in place of the site's own.
    /// It must have the same shape. The argument is only borrowed; return null, or the argument itself, to leave it unchanged.
    /// Several edits of one site run in the order in which they were added.
    /// </summary>
    public ForwardPlan Replace(Site site, Func<Tensor, Tensor?> edit)
    {
        ArgumentNullException.ThrowIfNull(edit);
        _edits[site] = _edits.TryGetValue(site, out var before) ? value => before(value) is { } first && !ReferenceEquals(first, value) ? edit(first) ?? first : edit(value) : edit;
        return this;
    }

    /// <summary>Starts before block <paramref name="layer"/> from a residual stream [batch, pos, d_model] of an earlier pass over the same tokens.</summary>
    public ForwardPlan StartFrom(int layer, Tensor residual)
    {
        ArgumentNullException.ThrowIfNull(residual);
        return StartFrom(layer, new Dictionary<SiteKind, Tensor> { [SiteKind.ResidPre] = residual });
    }

    /// <summary>
    /// Starts in block <paramref name="layer"/> from values of an earlier pass over the same tokens: what only they need is not computed.
    /// The last of them must leave nothing before it to be asked for.
    /// </summary>
    internal ForwardPlan StartFrom(int layer, IReadOnlyDictionary<SiteKind, Tensor> given)
    {
        (StartLayer, _given) = (layer, given);
        return this;
    }

    /// <summary>Computes some positions alone; the pass must start from an earlier one's values, at these positions.</summary>
    internal ForwardPlan Within(LightCone cone)
    {
        Cone = cone;
        return this;
    }

    /// <summary>Keeps keys and values.</summary>
    internal ForwardPlan Keep(KeyValueCache cache)
    {
        Kept = cache;
        return this;
    }

    /// <summary>Asks for the loss of every next token, in nats, without keeping logits: <see cref="ForwardResult.TokenLosses"/>.</summary>
    public ForwardPlan TokenLosses()
    {
        WantsTokenLosses = true;
        return this;
    }

    /// <summary>Tells what a site holds before its edit, where a pass that cannot start in the middle would have to be run to learn it.</summary>
    internal ForwardPlan Know(Site site, Tensor value)
    {
        _known[site] = value;
        return this;
    }

    internal ForwardPlan Copy()
    {
        var copy = new ForwardPlan { StartLayer = StartLayer, _given = _given, Cone = Cone, Kept = Kept, WantsTokenLosses = WantsTokenLosses };
        copy._captures.UnionWith(_captures);
        foreach (var (site, read) in _observers) copy._observers.Add(site, read);
        foreach (var (site, edit) in _edits) copy._edits.Add(site, edit);
        return copy;
    }

    internal int StartLayer { get; private set; }

    internal bool StartsFromEarlierPass => _given is not null;

    internal LightCone? Cone { get; private set; }

    internal KeyValueCache? Kept { get; private set; }

    internal bool WantsTokenLosses { get; private set; }

    /// <summary>The value that the pass takes for a site and does not compute.</summary>
    internal Tensor? GivenFor(Site site) => site.Layer == StartLayer ? _given?.GetValueOrDefault(site.Kind) : null;

    internal Tensor? KnownFor(Site site) => _known.GetValueOrDefault(site);

    internal bool IsCaptured(Site site) => _captures.Contains(site);

    internal Action<Tensor>? ObserverOf(Site site) => _observers.GetValueOrDefault(site);

    internal Func<Tensor, Tensor?>? EditOf(Site site) => _edits.GetValueOrDefault(site);

    /// <summary>The sites whose values were asked for (not those that are only edited).</summary>
    internal IEnumerable<Site> Requested => _captures.Concat(_observers.Keys);

    internal IEnumerable<Site> Edited => _edits.Keys;
}
