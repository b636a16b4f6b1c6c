namespace MlNetIcl.Models.Onnx;

/// <summary>The sessions of one file: each for the values that some runs asked for. The least recently used goes when there are more than a few. Thread-safe.</summary>
internal sealed class OnnxSessions(OnnxModel model, Surgery surgery) : IDisposable
{
    private const int MostKept = 2;

    private readonly object _gate = new();
    private readonly List<(string Key, OnnxSession Session)> _kept = []; // most recently used last
    private bool _disposed;

    /// <summary>A session that gives some values and takes replacements at some sites; the caller disposes its share.</summary>
    public OnnxSession Get(IReadOnlyCollection<string> values, IReadOnlyCollection<Site> replaced)
    {
        string key = string.Join('\n', values.Order(StringComparer.Ordinal).Concat(replaced.Select(site => site.ToString()).Order(StringComparer.Ordinal)));
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int at = _kept.FindIndex(k => k.Key == key);
            var session = at >= 0 ? _kept[at].Session : new OnnxSession(model.Write(surgery.Extract(values, replaced)).ToArray(), model.Path);
            if (at >= 0) _kept.RemoveAt(at);
            else if (_kept.Count == MostKept) Drop(0);
            _kept.Add((key, session));
            return session.Share();
        }
    }

    /// <summary>Lets go of all sessions.</summary>
    public void Clear()
    {
        lock (_gate)
            while (_kept.Count > 0) Drop(0);
    }

    public void Dispose()
    {
        lock (_gate) _disposed = true;
        Clear();
    }

    private void Drop(int at)
    {
        _kept[at].Session.Dispose();
        _kept.RemoveAt(at);
    }
}
