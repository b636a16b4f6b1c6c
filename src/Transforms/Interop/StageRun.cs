using Microsoft.ML.Runtime;

namespace MlNetIcl.Transforms.Interop;

/// <summary>Long work of an estimator: it reports to the log, and stops when the context's execution is cancelled.</summary>
internal sealed class StageRun(IHostEnvironment environment, string name)
{
    private readonly IHost _host = environment.Register(name);

    /// <summary>Does the work; what it reports, in [0, 1], is logged by tenths.</summary>
    /// <exception cref="OperationCanceledException">Execution was cancelled meanwhile.</exception>
    public T Do<T>(string what, Func<IProgress<double>, T> work)
    {
        using var channel = _host.Start(what);
        return work(new Reporter(_host, channel, what));
    }

    public void Warn(string message)
    {
        using var channel = _host.Start(name);
        channel.Warning(message);
    }

    /// <summary>Warns of rows that are left out, if there are any.</summary>
    public void LeftOut(int rows)
    {
        if (rows > 0) Warn($"{rows} rows were left out, as they cannot be computed.");
    }

    private sealed class Reporter(IHost host, IChannel channel, string what) : IProgress<double>
    {
        private int _tenths;

        public void Report(double value)
        {
            host.CheckAlive();
            if ((int)(value * 10) <= _tenths) return;
            _tenths = (int)(value * 10);
            channel.Info($"{what}: {_tenths * 10} %");
        }
    }
}

/// <summary>The seed of a context.</summary>
internal static class Seeds
{
    public static int? Of(IHostEnvironment environment) => (environment as IHostEnvironmentInternal)?.Seed;
}
