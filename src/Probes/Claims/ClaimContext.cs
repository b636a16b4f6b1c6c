using System.Runtime.ExceptionServices;

namespace MlNetIcl.Probes;

/// <summary>
/// What the claims of one ledger share: settings, and long runs that several of them read. Owns what is shared. While it lives torch computes on
/// one thread: the last bits of a sum depend on the number, and training makes much of them. Not thread-safe.
/// </summary>
internal sealed class ClaimContext : IDisposable
{
    private readonly Dictionary<string, object> _shared = [];
    private readonly IDisposable _oneThread = TorchThreads.One();

    public ClaimContext(ClaimsOptions options) => Options = options;

    public ClaimsOptions Options { get; }

    /// <summary>
    /// What <paramref name="compute"/> gives, computed once for all claims that ask under this name; disposed of with the ledger. What it throws
    /// is thrown for each of them, so that a long run is not tried again; only what was cancelled is.
    /// </summary>
    public T Share<T>(string name, Func<T> compute)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(compute);
        if (!_shared.TryGetValue(name, out object? value))
        {
            try
            {
                value = compute();
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                _shared.Add(name, ExceptionDispatchInfo.Capture(error));
                throw;
            }
            _shared.Add(name, value);
        }
        if (value is ExceptionDispatchInfo failure) failure.Throw();
        return (T)value;
    }

    public void Dispose()
    {
        foreach (object value in _shared.Values) (value as IDisposable)?.Dispose();
        _shared.Clear();
        _oneThread.Dispose();
    }
}
